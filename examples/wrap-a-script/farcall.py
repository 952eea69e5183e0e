"""Tell farcall how far this program is.

    import farcall

    done = farcall.checkpoint() or {"frames": 0}
    farcall.stage(2, "rendering frames")
    for frame in range(done["frames"], 60):
        render(frame)
        farcall.progress((frame + 1) / 60)
        farcall.checkpoint({"frames": frame + 1})
    farcall.artifact("out/film.mp4")
    farcall.result({"frames": 60})

Copy this file beside your program: it needs nothing but Python 3.9 or later. Run by hand, outside
of farcall, the functions say nothing and there is no checkpoint.

Every function may be called from several threads and processes at once.
"""

import json
import os
import threading

__all__ = ["artifact", "checkpoint", "is_wrapped", "message", "progress", "result", "stage"]

_lock = threading.Lock()
_nothing = object()


def is_wrapped():
    """Whether farcall runs this program, so that somebody hears what it says."""
    return bool(os.environ.get("FARCALL_EVENTS"))


def stage(number, message=None):
    """The stage of this number begins, from 1; stages never go back."""
    _say({"stage": number} if message is None else {"stage": number, "message": message})


def progress(fraction, message=None):
    """So much of the present stage is done, from 0 to 1."""
    fraction = min(1.0, max(0.0, float(fraction)))
    _say({"progress": fraction} if message is None else {"progress": fraction, "message": message})


def message(text):
    """What is being done, one line."""
    _say({"message": text})


def artifact(path):
    """This file is for the caller; give its path from the folder that the program started in.

    It is taken when the program has ended well, so it need not be there yet.
    """
    _say({"artifact": os.fspath(path)})


def result(value):
    """The value of the job, anything that is JSON, at most 1 MiB; the last one counts."""
    _say({"result": value})


def checkpoint(value=_nothing):
    """Keep what a run that begins again is given, anything that is JSON, at most 1 MiB.

    Without a value: what an earlier run of this job kept last, or None where this is its first.
    """
    if value is not _nothing:
        _say({"checkpoint": value})
        return value
    path = os.environ.get("FARCALL_CHECKPOINT")
    if not path:
        return None
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def _say(event):
    # Also where nobody hears it: what cannot be said is a mistake by hand, too.
    line = json.dumps(event, allow_nan=False).encode("ascii") + b"\n"
    path = os.environ.get("FARCALL_EVENTS")
    if not path:
        return
    # Opened each time, so that a child of this process, which has another lock, does not share it;
    # what is no longer than 4096 bytes is written at once, whoever else writes.
    with _lock:
        try:
            # Without a reader this fails at once: farcall is gone, and stops this program, too.
            pipe = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            return
        try:
            # With one that is slow, wait for it.
            os.set_blocking(pipe, True)
            while line:
                line = line[os.write(pipe, line):]
        except BrokenPipeError:
            pass
        finally:
            os.close(pipe)
