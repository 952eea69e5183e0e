"""An MCP server with a child whose child is in a session of its own, deaf to TERM, and holds its output.

`echo` answers after a while, `hang` never does, and `open` says how many requests wait for an answer.
"""

import json
import os
import subprocess
import sys
import threading

subprocess.Popen(["sh", "-c", "setsid sh -c \"trap '' TERM; sleep 600 & wait\" & wait"], stdin=subprocess.DEVNULL)

TOOLS = [{"name": name, "description": "Do it.", "inputSchema": {"type": "object"}} for name in ("echo", "hang", "open")]
lock = threading.Lock()
waiting = set()


def send(request, result):
    with lock:
        if request not in waiting:
            return
        waiting.remove(request)
        print(json.dumps({"jsonrpc": "2.0", "id": request, "result": result}), flush=True)


def value(**fields):
    return {"content": [], "structuredContent": {"pid": os.getpid(), **fields}}


for line in sys.stdin:
    message = json.loads(line)
    method, params, request = message["method"], message.get("params", {}), message.get("id")
    with lock:
        if request is not None:
            waiting.add(request)
        if method == "notifications/cancelled":
            waiting.discard(params["requestId"])
    if method == "initialize":
        about = {"name": "mounted", "version": "1"}
        version = params["protocolVersion"]
        send(request, {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": about})
    elif method == "tools/list":
        send(request, {"tools": TOOLS})
    elif method == "tools/call" and params["name"] == "echo":
        given = params["arguments"]
        threading.Timer(given["after"], send, [request, value(nonce=given["nonce"])]).start()
    elif method == "tools/call" and params["name"] == "open":
        # Without this one.
        send(request, value(open=len(waiting) - 1))
