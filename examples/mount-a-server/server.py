"""A FastMCP server as its author wrote it, for a client that starts it: nothing here knows of farcall."""

import asyncio
import json
import random
from pathlib import Path

from fastmcp import Context, FastMCP

mcp = FastMCP("line-fitting")


@mcp.tool
def predict(slope: float, intercept: float, x: float) -> float:
    """Say where a line is at x."""
    return slope * x + intercept


@mcp.tool
async def fit(ctx: Context, points: int = 200, rounds: int = 400, seed: int = 1) -> dict:
    """Fit a line to noisy points, and leave it as model.json."""
    source = random.Random(seed)
    xs = [source.uniform(-1, 1) for _ in range(points)]
    ys = [2 * x + 1 + source.gauss(0, 0.05) for x in xs]
    slope = intercept = 0.0
    for done in range(rounds):
        errors = [slope * x + intercept - y for x, y in zip(xs, ys)]
        slope -= 0.2 * sum(error * x for error, x in zip(errors, xs)) / points
        intercept -= 0.2 * sum(errors) / points
        if done % 20 == 0:
            await ctx.report_progress(done, rounds, f"round {done}")
            await asyncio.sleep(0)
    model = {"slope": round(slope, 3), "intercept": round(intercept, 3)}
    Path("model.json").write_text(json.dumps(model), encoding="utf-8")
    return model


@mcp.resource("about://line-fitting")
def about() -> str:
    """What the points are like."""
    return "y = 2x + 1, with a little noise"


@mcp.prompt
def explain(model: str) -> str:
    """Explain a fitted line."""
    return f"Explain this line to a child: {model}"


if __name__ == "__main__":
    mcp.run()
