"""Renders: a program as its owner would have written it."""

import argparse
import os
import sys

import farcall

parser = argparse.ArgumentParser()
parser.add_argument("--scene", required=True)
parser.add_argument("--frames", type=int, required=True)
parser.add_argument("--draft", action="store_true")
parser.add_argument("tags", nargs="*")
given = parser.parse_args()

print("preparing", given.scene, "on", sys.version.split()[0])
farcall.stage(2)
os.makedirs("out")
for frame in range(given.frames):
    farcall.progress((frame + 1) / given.frames)
    with open("out/frame-%d.txt" % frame, "w") as file:
        file.write("%s %d" % (given.scene, frame))
farcall.stage(3, "joining frames")
with open("out/film.txt", "w") as film:
    for frame in range(given.frames):
        with open("out/frame-%d.txt" % frame) as file:
            film.write(file.read() + "\n")
    film.write(" ".join(["draft" if given.draft else "final", *given.tags]) + "\n")
farcall.artifact("out/frame-0.txt")
farcall.result({"frames": given.frames, "python": "%d.%d" % sys.version_info[:2]})
