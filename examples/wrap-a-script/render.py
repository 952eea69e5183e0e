"""Renders a film of a Julia set that changes its shape, by itself or as a job of farcall.

    .venv/bin/python render.py --scene rabbit --frames 24 --size 160

It leaves `film.gif` in the folder that it was started in. The frames stay there, too: a run that was
interrupted goes on with the first one that is missing.
"""

import argparse
import cmath
import json
import os

from PIL import Image

import farcall

# Where on the plane of constants each scene travels: the middle and the radius of a circle.
SCENES = {
    "dendrite": (0 + 1j, 0.02),
    "dragon": (-0.8 + 0.156j, 0.01),
    "rabbit": (-0.123 + 0.745j, 0.03),
}
DEPTH = 60
GRADIENT = [(round(255 * (step / DEPTH) ** 0.5), 4 * step, 128) for step in range(DEPTH)] + [(0, 0, 0)]


def steps_to_leave(point, constant):
    for step in range(DEPTH):
        if abs(point) > 2:
            return step
        point = point * point + constant
    return DEPTH


def draw(scene, turn, size):
    middle, radius = SCENES[scene]
    constant = middle + cmath.rect(radius, turn * 2 * cmath.pi)
    image = Image.new("RGB", (size, size))
    scale = 3 / size
    image.putdata([
        GRADIENT[steps_to_leave(complex(x * scale - 1.5, y * scale - 1.5), constant)]
        for y in range(size)
        for x in range(size)
    ])
    return image


def main():
    parser = argparse.ArgumentParser(description="Render a film of a Julia set.")
    parser.add_argument("--list", action="store_true", help="print the scenes, and render nothing")
    parser.add_argument("--scene", choices=SCENES, default="rabbit")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--size", type=int, default=160)
    given = parser.parse_args()
    if given.list:
        print(json.dumps({"scenes": sorted(SCENES)}))
        return

    farcall.stage(1)
    os.makedirs("frames", exist_ok=True)
    done = (farcall.checkpoint() or {"frames": 0})["frames"]
    if done:
        print(f"going on after frame {done}")

    farcall.stage(2)
    for frame in range(done, given.frames):
        draw(given.scene, frame / given.frames, given.size).save(f"frames/{frame:03}.png")
        # Said once the frame is whole: a run that begins again never finds half of one.
        farcall.checkpoint({"frames": frame + 1})
        farcall.progress((frame + 1) / given.frames, f"frame {frame + 1} of {given.frames}")

    farcall.stage(3)
    first, *others = (Image.open(f"frames/{frame:03}.png") for frame in range(given.frames))
    first.save("film.gif", save_all=True, append_images=others, duration=80, loop=0)
    farcall.result({"scene": given.scene, "frames": given.frames, "drawn_by_this_run": given.frames - done})


if __name__ == "__main__":
    main()
