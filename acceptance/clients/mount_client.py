"""Asks a stdio MCP server directly and through farcall, and prints what is not the same.

    mount_client.py URL CALLS COMMAND [ARGUMENT…]

CALLS is a JSON array of the tools to call, each with its arguments. Both sides are spoken to in plain JSON-RPC, so that
no SDK evens anything out. The output is one JSON object: `same` counts the answers that are equal, errors and progress
included, and `different` holds the others; `errors` and `progress` count what there was of them.
"""

import base64
import itertools
import json
import subprocess
import sys
import urllib.request

VERSION = "2025-11-25"


class Direct:
    def __init__(self, command):
        self.server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.last = 0
        hello = {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": {"name": "direct", "version": "1"}}
        self.hello = self.ask("initialize", hello)
        self.say({"method": "notifications/initialized"})

    def say(self, message):
        self.server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.server.stdin.flush()

    def ask(self, method, params):
        return self.hear(method, params)[-1]

    def hear(self, method, params):
        """The progress, and then the answer."""
        self.last += 1
        self.say({"id": self.last, "method": method, "params": params})
        heard = []
        for line in self.server.stdout:
            message = json.loads(line)
            if message.get("method") == "notifications/progress":
                heard.append(message["params"])
            elif message.get("id") == self.last and "method" not in message:
                return [*heard, answer(message)]
        sys.exit("the server ended")


class Through:
    def __init__(self, url):
        self.url = url

    def ask(self, method, params):
        return self.hear(method, params)[-1]

    def hear(self, method, params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
                   "MCP-Protocol-Version": VERSION}
        with urllib.request.urlopen(urllib.request.Request(self.url, body, headers)) as response:
            text = response.read().decode()
        lines = [line[5:] for line in text.splitlines() if line.startswith("data:") and line[5:].strip()]
        *news, last = [json.loads(line) for line in lines or [text]]
        heard = [one["params"] for one in news if one["method"] == "notifications/progress"]
        return [*heard, answer(last)]


def answer(message):
    """The result, or the sentence of an error: its number is that of whoever answers over HTTP."""
    return message["result"] if "result" in message else {"error": message["error"]["message"]}


def listed(side, method, key):
    items, params = [], {}
    while True:
        page = side.ask(method, params)
        items += page[key]
        if "nextCursor" not in page:
            return items
        params = {"cursor": page["nextCursor"]}


def questions(direct, calls):
    for name, arguments in calls:
        yield "tools/call", {"name": name, "arguments": arguments, "_meta": {"progressToken": "mine"}}
    yield "resources/read", {"uri": "demo://resource/dynamic/text/none"}
    yield "prompts/get", {"name": "resource-prompt", "arguments": {"resourceType": "Text", "resourceId": "-1"}}
    for resource in listed(direct, "resources/list", "resources"):
        yield "resources/read", {"uri": resource["uri"]}
    for template in listed(direct, "resources/templates/list", "resourceTemplates"):
        if "{resourceId}" in template["uriTemplate"]:
            yield "resources/read", {"uri": template["uriTemplate"].replace("{resourceId}", "7")}
            reference = {"type": "ref/resource", "uri": template["uriTemplate"]}
            yield "completion/complete", {"ref": reference, "argument": {"name": "resourceId", "value": "1"}}
    fill = {"city": "Ulm", "department": "Engineering", "name": "Alice", "resourceType": "Text", "resourceId": "1"}
    for prompt in listed(direct, "prompts/list", "prompts"):
        arguments = {one["name"]: fill.get(one["name"], "x") for one in prompt.get("arguments", []) if one.get("required")}
        yield "prompts/get", {"name": prompt["name"], "arguments": arguments}
        for one in prompt.get("arguments", []):
            reference = {"type": "ref/prompt", "name": prompt["name"]}
            yield "completion/complete", {"ref": reference, "argument": {"name": one["name"], "value": "E"}}


def normal(value):
    """Times of day differ from one answer to the next, and an `isError` that is left out is false."""
    if isinstance(value, dict):
        left_out = [("isError", False)]
        kept = {key: item for key, item in value.items() if (key, item) not in left_out}
        if "blob" in kept:
            # Such a time may stand in the bytes as well; latin-1 is all of them.
            kept["blob"] = base64.b64decode(kept["blob"]).decode("latin-1")
        return {key: normal(item) for key, item in kept.items()}
    if isinstance(value, list):
        return [normal(item) for item in value]
    if isinstance(value, str):
        words = [word for word in value.split(" ") if word not in ("AM", "PM")]
        return " ".join("TIME" if word.count(":") == 2 and word[:1].isdigit() else word for word in words)
    return value


def main():
    url, calls, command = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:]
    direct, through = Direct(command), Through(url)
    same, different, errors, progress = 0, [], 0, 0
    lists = [("tools/list", "tools"), ("resources/list", "resources"),
             ("resources/templates/list", "resourceTemplates"), ("prompts/list", "prompts")]
    for method, key in lists:
        own, passed = listed(direct, method, key), listed(through, method, key)
        for one in own:
            # Whether a tool can be run as a task is between a server and whoever speaks to it.
            one.pop("execution", None)
        pairs = list(itertools.zip_longest(own, passed))
        same += sum(a == b for a, b in pairs)
        different += [[method, a, b] for a, b in pairs if a != b]
    for method, params in questions(direct, calls):
        own, passed = direct.hear(method, params), through.hear(method, params)
        errors += "error" in own[-1] or own[-1].get("isError", False)
        progress += len(own) - 1
        if normal(own) == normal(passed):
            same += 1
        else:
            different.append([method, params, own, passed])
    direct.server.stdin.close()
    direct.server.wait(30)
    print(json.dumps({"same": same, "different": different, "errors": errors, "progress": progress}))


main()
