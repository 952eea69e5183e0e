"""An MCP server over standard input and output that does to its client what tests ask for."""

import json
import os
import sys
import threading
import time

OUT = os.environ["OUT"]
lock = threading.Lock()


def note(name, text):
    with open(os.path.join(OUT, name), "a", encoding="utf-8") as file:
        file.write(f"{text}\n")


def wait_for(name):
    while not os.path.exists(os.path.join(OUT, name)):
        time.sleep(0.005)


def mode():
    try:
        with open(os.path.join(OUT, "mode"), encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def say(line):
    with lock:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def answer(request, **outcome):
    say(json.dumps({"jsonrpc": "2.0", "id": request, **outcome}))


def refuse(request, code, **more):
    answer(request, error={"code": code, "message": "no such thing", **more})


def text(said):
    return {"content": [{"type": "text", "text": said}]}


NAMES = ("echo", "nap", "raw", "refuse", "wait")
TOOLS = [{"name": name, "description": "Do it.", "inputSchema": {"type": "object"}} for name in NAMES]
TOOLS.append({"name": "train", "title": "Train", "description": "Train.", "inputSchema": {"type": "object"},
              "icons": [{"src": "data:,"}], "_meta": {"test/a": 1}})


def call(request, name, given, token):
    note("called", f"{name} {given.get('text', '')[:20]}")
    if name == "echo":
        answer(request, result=text(given["text"]))
    elif name == "nap":
        note("napping", os.getpid())
        wait_for("gate")
        answer(request, result=text("awake"))
    elif name == "raw":
        say(given["before"] + str(request) + given["after"])
    elif name == "refuse":
        refuse(request, -32050, data={"text": "\u001b[1mbold"})
    elif name == "wait":
        note("waiting", os.getpid())
        wait_for("gate")
        answer(request, result=text("it is there"))
    elif name == "train":
        params = {"progressToken": token, "progress": 0, "message": given["text"]}
        say(json.dumps({"jsonrpc": "2.0", "method": "notifications/progress", "params": params}))
        note("training", os.getpid())


def shake_hands(request, revision):
    if mode() == "refuse":
        refuse(request, -32000)
    elif mode() == "old":
        answer(request, result={"protocolVersion": "1999-01-01", "capabilities": {}})
    else:
        able = {"tools": {}, "resources": {}}
        answer(request, result={"protocolVersion": revision, "capabilities": able})
        return
    # It does not leave by itself.
    wait_for("gate")


def main():
    note("started", os.getpid())
    if mode() == "broken":
        print("no module named nonsense", file=sys.stderr, flush=True)
        sys.exit(3)
    if mode() == "late":
        wait_for("gate")
    for line in sys.stdin:
        message = json.loads(line)
        method, params, request = message.get("method"), message.get("params", {}), message.get("id")
        if method == "initialize":
            shake_hands(request, params["protocolVersion"])
        elif method == "tools/list":
            answer(request, result={"tools": TOOLS})
        elif method == "resources/list":
            answer(request, result={"resources": [{"uri": "demo://gone", "name": "gone"}]})
        elif method == "resources/templates/list":
            answer(request, result={"resourceTemplates": []})
        elif method == "resources/read":
            refuse(request, -32002, data={"uri": params["uri"]})
        elif method == "notifications/cancelled":
            note("cancelled", params["requestId"])
        elif method == "tools/call":
            arguments = (request, params["name"], params["arguments"], params.get("_meta", {}).get("progressToken"))
            if params["name"] == "nap":
                # It does not read meanwhile.
                call(*arguments)
            else:
                threading.Thread(target=call, args=arguments, daemon=True).start()
    note("closed", os.getpid())


main()
