"""The helper on the Python that runs this; see `cargo xtask test`, which runs it on each."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

import farcall  # noqa: E402


class Wrapped(unittest.TestCase):
    """A pipe as farcall makes one, and what was said through it."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = os.path.join(self.folder.name, "events")
        os.mkfifo(self.path)
        # Both ends, so that neither opening it nor reading it waits for the other.
        self.pipe = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(os.close, self.pipe)
        self.set("FARCALL_EVENTS", self.path)
        self.set("FARCALL_CHECKPOINT", None)

    def set(self, name, value):
        before = os.environ.get(name)
        self.addCleanup(put, name, before)
        put(name, value)

    def said(self):
        text = b""
        while True:
            try:
                text += os.read(self.pipe, 65536)
            except BlockingIOError:
                return [json.loads(line) for line in text.splitlines()]

    def test_each_function_says_one_thing(self):
        farcall.stage(1)
        farcall.stage(2, "rendering")
        farcall.progress(0.5)
        farcall.progress(7, "nearly")
        farcall.message("hi")
        farcall.artifact("out/a.txt")
        farcall.result({"a": [1, None, "\u00fc\n"]})
        farcall.checkpoint(None)
        self.assertEqual(
            self.said(),
            [
                {"stage": 1},
                {"stage": 2, "message": "rendering"},
                {"progress": 0.5},
                {"progress": 1.0, "message": "nearly"},
                {"message": "hi"},
                {"artifact": "out/a.txt"},
                {"result": {"a": [1, None, "\u00fc\n"]}},
                {"checkpoint": None},
            ],
        )

    def test_a_checkpoint_is_read_where_there_is_one(self):
        self.assertIsNone(farcall.checkpoint())
        path = os.path.join(self.folder.name, "checkpoint.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write('{"frames": 7, "name": "\u00fc"}')
        self.set("FARCALL_CHECKPOINT", path)
        self.assertEqual(farcall.checkpoint(), {"frames": 7, "name": "\u00fc"})
        self.assertEqual(self.said(), [])

    def test_threads_and_processes_do_not_mix_their_lines(self):
        def say():
            for number in range(50):
                farcall.progress(number / 50, "x" * 100)

        threads = [threading.Thread(target=say) for _ in range(4)]
        code = "import farcall\nfor n in range(50): farcall.message('y' * 100)"
        env = dict(os.environ, PYTHONPATH=os.path.dirname(HERE))
        child = subprocess.Popen([sys.executable, "-c", code], env=env)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(child.wait(), 0)
        self.assertEqual(len(self.said()), 250)

    def test_what_is_no_json_is_an_error_here_and_not_there(self):
        for value in (float("nan"), {1, 2}, b"x"):
            with self.assertRaises((TypeError, ValueError)):
                farcall.result(value)
        self.assertEqual(self.said(), [])

    def test_a_large_value_arrives_whole(self):
        value = "z" * 500_000
        writer = threading.Thread(target=farcall.result, args=(value,))
        writer.start()
        text = b""
        while not text.endswith(b"\n"):
            try:
                text += os.read(self.pipe, 65536)
            except BlockingIOError:
                continue
        writer.join()
        self.assertEqual(json.loads(text), {"result": value})


class ByHand(unittest.TestCase):
    def test_nothing_is_said_and_there_is_no_checkpoint(self):
        for name in ("FARCALL_EVENTS", "FARCALL_CHECKPOINT"):
            self.addCleanup(put, name, os.environ.get(name))
            put(name, None)
        self.assertFalse(farcall.is_wrapped())
        farcall.stage(1, "hi")
        farcall.progress(0.5)
        farcall.artifact("a")
        farcall.result(1)
        self.assertEqual(farcall.checkpoint({"a": 1}), {"a": 1})
        self.assertIsNone(farcall.checkpoint())


def put(name, value):
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


if __name__ == "__main__":
    unittest.main()
