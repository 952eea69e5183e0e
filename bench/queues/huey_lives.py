"""Life cycles of jobs through huey on SQLite, a comparator of our benchmark.

    huey_lives.py FOLDER SECONDS PRODUCERS

Each of so many threads enqueues a job, takes one from the queue and runs it; the job reports three times, and its
result is stored. Every write is synced to the disk (`fsync=True`). Prints life cycles a second.
"""

import pathlib
import sys
import threading
import time

from huey import SqliteHuey

folder, seconds, producers = pathlib.Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
huey = SqliteHuey(filename=str(folder / "huey.db"), fsync=True)


@huey.task()
def work(job: str) -> dict:
    for stage in (1, 2, 3):
        huey.put(f"progress:{job}", {"stage": stage, "message": f"stage {stage}"})
    return {"job": job}


lives = [0] * producers
begin = threading.Barrier(producers + 1)
over = threading.Event()


def live(number: int) -> None:
    begin.wait()
    while not over.is_set():
        work(f"{number}-{lives[number]}")
        task = huey.dequeue()
        while task is None:
            task = huey.dequeue()
        huey.execute(task)
        lives[number] += 1


threads = [threading.Thread(target=live, args=(number,), daemon=True) for number in range(producers)]
for thread in threads:
    thread.start()
begin.wait()
begun = time.monotonic()
time.sleep(seconds)
counted, elapsed = sum(lives), time.monotonic() - begun
over.set()
for thread in threads:
    thread.join()
print(counted / elapsed)
