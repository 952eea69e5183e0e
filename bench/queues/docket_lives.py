"""Life cycles of jobs through docket in memory, the queue of FastMCP's tasks: a comparator of our benchmark.

    docket_lives.py JOBS PRODUCERS

So many coroutines add the jobs while one worker runs as many at once; a job reports three times. Nothing of it
outlives the process. The worker looks for work every millisecond: with docket's default of 250 it mostly waits, and
does a quarter as much. Prints life cycles a second.
"""

import asyncio
import logging
import os
import sys
import time
import uuid
from datetime import timedelta

from docket import Docket, Worker
from docket.dependencies import Progress
from docket.execution import ExecutionProgress

logging.disable(logging.CRITICAL)
jobs, producers = int(sys.argv[1]), int(sys.argv[2])
EAGER = timedelta(milliseconds=1)


async def work(job: str, progress: ExecutionProgress = Progress()) -> dict:
    for stage in (1, 2, 3):
        await progress.set_message(f"stage {stage}")
    return {"job": job}


async def main() -> None:
    async with Docket(name=f"lives-{uuid.uuid4()}", url="memory://") as docket:
        docket.register(work)
        async with Worker(
            docket, concurrency=producers, minimum_check_interval=EAGER, scheduling_resolution=EAGER
        ) as worker:

            async def produce(share: int) -> None:
                for _ in range(share):
                    await docket.add(work)(uuid.uuid4().hex)

            begun = time.monotonic()
            producing = asyncio.gather(*(produce(jobs // producers) for _ in range(producers)))
            await asyncio.gather(producing, worker.run_until_finished())
            await worker.run_until_finished()
            print(jobs // producers * producers / (time.monotonic() - begun), flush=True)
    # Its store in memory sometimes crashes the interpreter on its way out.
    os._exit(0)


asyncio.run(main())
