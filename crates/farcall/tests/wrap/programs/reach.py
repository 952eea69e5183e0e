"""Tries what its arguments say, `read=PATH`, `list=PATH` or `write=PATH`, and says what became of each."""

import errno
import json
import os
import sys

import farcall  # beside it, so the folder can be listed


def attempt(action):
    verb, _, path = action.partition("=")
    try:
        if verb == "list":
            os.listdir(path)
        elif verb == "read":
            with open(path, "rb") as file:
                file.read()
        elif verb == "write":
            with open(path, "ab") as file:
                file.write(b"written")
        else:
            return "no such verb"
    except OSError as error:
        return errno.errorcode[error.errno]
    return "ok"


if __name__ == "__main__":
    assert farcall.checkpoint() is None
    print(json.dumps({action: attempt(action) for action in sys.argv[1:]}))
