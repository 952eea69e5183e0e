"""Does what its arguments say, one after the other."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import farcall

BESIDE = os.path.dirname(os.path.abspath(__file__))


def wait():
    # For ever, but for signals.
    threading.Event().wait()


def main():
    for action in sys.argv[1:]:
        name, _, value = action.partition("=")
        if name == "print":
            print(value.encode().decode("unicode_escape"), end="", flush=True)
        elif name == "complain":
            print(value.encode().decode("unicode_escape"), file=sys.stderr, flush=True)
        elif name == "exit":
            sys.exit(int(value))
        elif name == "signal":
            os.kill(os.getpid(), int(value))
        elif name == "flood":
            while True:
                sys.stdout.write("x" * 65536)
        elif name == "say":
            with open(os.environ["FARCALL_EVENTS"], "w", encoding="utf-8") as pipe:
                pipe.write(value + "\n")
        elif name == "write":
            path, _, text = value.partition(":")
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        elif name == "link":
            path, _, target = value.partition(":")
            os.symlink(target, path)
        elif name == "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        elif name == "children":
            # A child, and a child of that in a session of its own; all tell who they are.
            code = "import os, sys, subprocess, threading, signal\n"
            if value == "deaf":
                code += "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            rest = "print(os.getpid(), flush=True)\nthreading.Event().wait()\n"
            grandchild = code + "os.setsid()\n" + rest
            child = code + "subprocess.Popen([sys.executable, '-c', %r])\n" % grandchild + rest
            process = subprocess.Popen(
                [sys.executable, "-c", child], stdout=subprocess.PIPE, text=True
            )
            processes = [os.getpid(), int(process.stdout.readline()), int(process.stdout.readline())]
            path = os.path.join(os.environ["TEST_OUT"], "processes")
            with open(path + ".new", "w", encoding="utf-8") as file:
                file.write(" ".join(map(str, processes)) + "\n")
            os.rename(path + ".new", path)
        elif name == "count":
            path = os.path.join(os.environ["TEST_OUT"], "runs")
            with open(path, "a", encoding="utf-8") as file:
                file.write(json.dumps(farcall.checkpoint()) + "\n")
        elif name == "checkpoint":
            farcall.checkpoint(json.loads(value))
        elif name == "first":
            if farcall.checkpoint() is not None:
                return
        elif name == "where":
            path = os.path.join(os.environ["TEST_OUT"], "where")
            with open(path + ".new", "w", encoding="utf-8") as file:
                file.write(os.getcwd() + "\n")
            os.rename(path + ".new", path)
        elif name == "await":
            while not os.path.exists(value):
                time.sleep(0.005)
        elif name == "wait":
            wait()


main()
