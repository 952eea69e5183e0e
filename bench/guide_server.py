"""The guide's example server in Python, the comparator of our benchmark.

Written from the guide with the package and the settings it uses: the official `mcp` SDK's FastMCP, Streamable HTTP
with FastMCP's defaults (sessions on, answers as event streams), jobs in a dict, one background thread a job.
MCP_BEARER_TOKEN turns on the guide's option 3B.

STEP_SECONDS is how long each step of a render lasts at least; the benchmark sets 0 to fill the job store.
"""

import hmac
import os
import pathlib
import tempfile
import threading
import time
import uuid
from typing import Annotated

from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.fastmcp import FastMCP
from pydantic import Field
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse

MCP_HOST = os.getenv("MCP_HOST", "127.0.0.1")
MCP_PORT = int(os.getenv("MCP_PORT", "8900"))
PUBLIC_BASE_URL = os.getenv("PUBLIC_BASE_URL", f"http://127.0.0.1:{MCP_PORT}")
EXPECTED = os.getenv("MCP_BEARER_TOKEN", "")
STEP_SECONDS = float(os.getenv("STEP_SECONDS", "0.5"))

WIDTH, HEIGHT = 32, 24


class StaticVerifier(TokenVerifier):
    """Accept exactly one shared token (constant-time compare)."""

    async def verify_token(self, token: str) -> AccessToken | None:
        if hmac.compare_digest(token, EXPECTED):
            return AccessToken(token=token, client_id="shared-secret", scopes=[])
        return None


auth = {}
if EXPECTED:
    auth = {
        "token_verifier": StaticVerifier(),
        "auth": AuthSettings(issuer_url=PUBLIC_BASE_URL, resource_server_url=None),
    }

mcp = FastMCP("example-mcp", host=MCP_HOST, port=MCP_PORT, **auth)


@mcp.tool()
def add(
    a: Annotated[float, Field(description="First number to add.")],
    b: Annotated[float, Field(description="Second number to add.")],
) -> dict:
    """Add two numbers and return {"sum": a+b}."""
    return {"sum": a + b}


@mcp.tool()
def echo(text: Annotated[str, Field(description="Text to send back.")]) -> dict:
    """Return the given text unchanged as {"text": text}."""
    return {"text": text}


# The demo job store. A job's thread is the only writer of its entry.
jobs: dict[str, dict] = {}
output = pathlib.Path(tempfile.mkdtemp(prefix="guide-server-"))


def prepare(job: dict) -> None:
    job["shade"] = sum(job["scene"].encode()) % 256


def draw(job: dict) -> None:
    grays = ((x * 8 + y * 8 + job["shade"]) % 256 for y in range(HEIGHT) for x in range(WIDTH))
    job["pixels"] = b"".join(bytes([gray] * 3) for gray in grays)


def encode(job: dict) -> None:
    path = output / f"{job['job_id']}.bin"
    path.write_bytes(b"P6 %d %d 255\n" % (WIDTH, HEIGHT) + job.pop("pixels"))
    job["path"] = path


STEPS = [
    ("preparing assets", prepare),
    ("rendering frames", draw),
    ("encoding output", encode),
]


def render(job: dict) -> None:
    try:
        for number, (name, step) in enumerate(STEPS, start=1):
            job.update(state="running", stage=number, message=f"[{number}/{len(STEPS)}] {name}")
            step(job)
            time.sleep(STEP_SECONDS)
        job.update(state="succeeded", stage=len(STEPS), message="done")
    except Exception as error:
        job.update(state="failed", message="failed", error=str(error))


@mcp.tool()
def start_render(
    scene: Annotated[str, Field(description="Name of the scene to render.", pattern="^[a-z0-9_-]+$")] = "demo",
) -> dict:
    """Start rendering a scene; returns {job_id, state}. Poll get_render_status, then call get_render_result."""
    job_id = uuid.uuid4().hex
    job = {"job_id": job_id, "scene": scene, "state": "queued", "stage": 0, "message": "queued"}
    jobs[job_id] = job
    threading.Thread(target=render, args=(job,), daemon=True).start()
    return {"job_id": job_id, "state": "queued"}


@mcp.tool()
def get_render_status(job_id: Annotated[str, Field(description="The id that start_render returned.")]) -> dict:
    """Report a render's state and progress: {job_id, state, stage, total_stages, message, error?}."""
    job = jobs.get(job_id)
    if job is None:
        return {"error": f"unknown job_id {job_id}", "job_id": job_id}
    status = {
        "job_id": job_id,
        "state": job["state"],
        "stage": job["stage"],
        "total_stages": len(STEPS),
        "message": job["message"],
    }
    if "error" in job:
        status["error"] = job["error"]
    return status


@mcp.tool()
def get_render_result(job_id: Annotated[str, Field(description="The id that start_render returned.")]) -> dict:
    """Return {job_id, ready, url} once the render has succeeded, else {job_id, ready: false, state}."""
    job = jobs.get(job_id)
    if job is None:
        return {"error": f"unknown job_id {job_id}", "job_id": job_id}
    if job["state"] != "succeeded":
        return {"job_id": job_id, "ready": False, "state": job["state"]}
    return {"job_id": job_id, "ready": True, "url": f"{PUBLIC_BASE_URL}/files/{job_id}"}


@mcp.custom_route("/healthz", methods=["GET"])
async def healthz(request: Request):
    return JSONResponse({"ok": True})


@mcp.custom_route("/files/{job_id}", methods=["GET"])
async def serve_file(request: Request):
    # The SDK's verifier covers /mcp only; custom routes are public unless they check for themselves.
    if EXPECTED:
        token = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        if not hmac.compare_digest(token, EXPECTED):
            return JSONResponse({"error": "unauthorized"}, status_code=401)
    job_id = request.path_params["job_id"]
    job = jobs.get(job_id)
    if job is None or job["state"] != "succeeded":
        return JSONResponse({"error": "not ready"}, status_code=404)
    return FileResponse(job["path"], filename=f"{job_id}.bin")


def main():
    mcp.run(transport="streamable-http")


if __name__ == "__main__":
    main()
