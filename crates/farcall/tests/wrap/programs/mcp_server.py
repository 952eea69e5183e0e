"""An MCP server over standard input and output, as small as one can be, that does what tests ask for."""

import json
import os
import random
import signal
import sys
import threading
import time

OUT = os.environ.get("TEST_OUT")
lock = threading.Lock()
cancelled = set()
replies = {}


def note(name, text):
    if OUT:
        with open(os.path.join(OUT, name), "a", encoding="utf-8") as file:
            file.write(f"{text}\n")


def send(message):
    line = json.dumps(message if isinstance(message, str) else {"jsonrpc": "2.0", **message})
    with lock:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def raw(line):
    with lock:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def text(said, **more):
    return {"content": [{"type": "text", "text": said}], **more}


def schema(**properties):
    # As the TypeScript SDK writes it, with parameters that nobody has described.
    return {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": properties}


STRING, NUMBER = {"type": "string"}, {"type": "integer"}
STRINGS = {"type": "array", "items": STRING}
TOOLS = [
    {"name": "echo", "title": "Echo", "description": "Say it again.", "inputSchema": schema(nonce=STRING),
     "outputSchema": schema(nonce=STRING), "annotations": {"readOnlyHint": True}, "_meta": {"test/a": 1}},
    {"name": "slow", "description": "Count.", "inputSchema": schema(steps=NUMBER)},
    {"name": "die", "description": "Die.", "inputSchema": schema()},
    {"name": "hang", "description": "Never answer.", "inputSchema": schema()},
    {"name": "fail", "description": "Fail.", "inputSchema": schema()},
    {"name": "refuse", "description": "Refuse.", "inputSchema": schema()},
    {"name": "ask", "description": "Ask the client.", "inputSchema": schema()},
    {"name": "babble", "description": "Say nonsense first.", "inputSchema": schema()},
    {"name": "dirty", "description": "Say what is hidden.\u202e", "inputSchema": schema()},
    {"name": "flood", "description": "Say too much.", "inputSchema": schema()},
    {"name": "who", "inputSchema": schema()},
    {"name": "wait", "description": "Answer when a file is there.", "inputSchema": schema(path=STRING)},
    {"name": "reach", "description": "Try to reach something.", "inputSchema": schema(actions=STRINGS)},
    {"name": "chatter", "description": "Say this much, and more until a file is there.",
     "inputSchema": schema(line=STRING, bytes=NUMBER, path=STRING, where=STRING)},
    {"name": "train", "description": "Train a model.", "inputSchema": schema(act=STRING)},
]
RESOURCES = [{"uri": "demo://one", "name": "one", "mimeType": "text/plain"}]
TEMPLATES = [{"uriTemplate": "demo://item/{+path}{?day}", "name": "item"}]
PROMPTS = [{"name": "greet", "arguments": [{"name": "who", "required": True}]}]


def await_file(path):
    while not os.path.exists(path):
        time.sleep(0.005)


def call(request, name, given, token):
    def progress(done, total=None, message=None):
        params = {"progressToken": token, "progress": done, "total": total, "message": message}
        send({"method": "notifications/progress", "params": {k: v for k, v in params.items() if v is not None}})

    if name == "echo":
        time.sleep(random.random() / 50)
        send({"id": request, "result": text(given["nonce"], structuredContent={"nonce": given["nonce"]})})
    elif name == "slow":
        for step in range(given["steps"]):
            if token is not None:
                progress(step + 1, given["steps"], f"step {step + 1}")
        send({"id": request, "result": text("counted")})
    elif name == "die":
        note("dying", os.getpid())
        os.kill(os.getpid(), signal.SIGKILL)
    elif name == "hang":
        note("hanging", os.getpid())
        while request not in cancelled:
            time.sleep(0.005)
        note("cancelled", request)
    elif name == "fail":
        send({"id": request, "result": text("it is Monday", isError=True)})
    elif name == "refuse":
        send({"id": request, "error": {"code": -32602, "message": "no such thing"}})
    elif name == "ask":
        told = {}
        for method in ("ping", "roots/list", "sampling/createMessage"):
            replies[method] = threading.Event()
            send({"id": method, "method": method, "params": {}})
            replies[method].wait()
            told[method] = replies[method].message
        send({"id": request, "result": text(json.dumps(told))})
    elif name == "babble":
        raw("Listening on standard input \x1b[1m")
        raw("[]")
        raw('{"jsonrpc":"2.0","id":987654,"result":{}}')
        raw('{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}')
        send({"id": request, "result": text("after it")})
    elif name == "dirty":
        send({"id": request, "result": text("\x1b[31mred\u202e", structuredContent={"a": "b\u2066"})})
    elif name == "flood":
        send({"id": request, "result": text("y" * (2 << 20))})
    elif name == "who":
        send({"id": request, "result": text("me", structuredContent={"pid": os.getpid(), "folder": os.getcwd()})})
    elif name == "wait":
        note("waiting", os.getpid())
        await_file(given["path"])
        send({"id": request, "result": text("it is there", structuredContent={"pid": os.getpid()})})
    elif name == "chatter":
        lines, said = (given["line"] + "\n") * 1000, 0
        place = sys.stderr if given["where"] == "stderr" else sys.stdout
        note("chattering", os.getpid())
        while said < given["bytes"] or not os.path.exists(given["path"]):
            with lock:
                place.write(lines)
                place.flush()
            said += len(lines)
            # Else the other threads would hardly ever get the lock.
            time.sleep(0.0001)
        send({"id": request, "result": text("enough")})
    elif name == "reach":
        import reach

        outcome = {action: reach.attempt(action) for action in given["actions"]}
        send({"id": request, "result": text(json.dumps(outcome), structuredContent=outcome)})
    elif name == "train":
        note("training", os.getpid())
        note("folders", os.getcwd())
        for done, message in ((0, "loading"), (1, "training"), (0.5, None), (1, "saving")):
            progress(done, 1, message)
        print("loss 0.1", file=sys.stderr, flush=True)
        if given["act"] == "wait":
            while True:
                time.sleep(60)
        if given["act"] == "fail":
            send({"id": request, "result": text("out of data", isError=True)})
            return
        with open("model.bin", "w", encoding="utf-8") as file:
            file.write("weights")
        send({"id": request, "result": text("trained", structuredContent={"loss": 0.1})})
    else:
        send({"id": request, "error": {"code": -32602, "message": "unknown tool"}})


def page(key, items, params):
    start = int(params.get("cursor", 0))
    more = {"nextCursor": str(start + 5)} if start + 5 < len(items) else {}
    return {key: items[start:start + 5], **more}


def main():
    note("started", os.getpid())
    print("the server starts", file=sys.stderr, flush=True)
    if "broken" in sys.argv:
        print("no module named nonsense", file=sys.stderr, flush=True)
        sys.exit(3)
    if "late" in sys.argv:
        note("late", os.getpid())
        await_file(os.path.join(OUT, "gate"))
    for line in sys.stdin:
        message = json.loads(line)
        method, params, request = message.get("method"), message.get("params", {}), message.get("id")
        if method is None:
            replies[request].message = message.get("result", message.get("error", {}).get("code"))
            replies[request].set()
        elif method == "initialize":
            able = {"tools": {}, "resources": {}, "prompts": {}, "completions": {}}
            about = {"name": "tiny", "version": "7", "title": "Tiny"}
            send({"id": request, "result": {"protocolVersion": params["protocolVersion"], "capabilities": able,
                                            "serverInfo": about, "instructions": "Be gentle."}})
        elif method == "tools/list":
            tools = TOOLS + [TOOLS[0]] if "double" in sys.argv else TOOLS
            send({"id": request, "result": page("tools", tools, params)})
        elif method == "resources/list":
            send({"id": request, "result": {"resources": RESOURCES}})
        elif method == "resources/templates/list":
            send({"id": request, "result": {"resourceTemplates": TEMPLATES}})
        elif method == "resources/read":
            content = {"uri": params["uri"], "mimeType": "text/plain", "text": "read"}
            send({"id": request, "result": {"contents": [content]}})
        elif method == "prompts/list":
            send({"id": request, "result": {"prompts": PROMPTS}})
        elif method == "prompts/get":
            said = {"type": "text", "text": f"Greet {params['arguments']['who']}."}
            send({"id": request, "result": {"description": "today", "messages": [{"role": "assistant", "content": said}]}})
        elif method == "completion/complete":
            values = [params["argument"]["value"] + "da", params["ref"].get("name") or params["ref"]["uri"]]
            send({"id": request, "result": {"completion": {"values": values}}})
        elif method == "tools/call":
            token = params.get("_meta", {}).get("progressToken")
            arguments = (request, params["name"], params["arguments"], token)
            threading.Thread(target=call, args=arguments, daemon=True).start()
        elif method == "notifications/cancelled":
            cancelled.add(params["requestId"])
    note("ended", os.getpid())


main()
