"""An MCP server that lists what `offers.json` in its folder says, and answers the rest with what it was asked.

The file has the answers to each method that lists something, in order; the last one is given again and again.
"""

import json
import sys

with open("offers.json", encoding="utf-8") as file:
    OFFERS = json.load(file)
asked = {}


def answer(method, params):
    if method == "initialize":
        able = {name.split("/")[0]: {} for name in OFFERS}
        return {"protocolVersion": params["protocolVersion"], "capabilities": able,
                "serverInfo": {"name": "listing", "version": "1"}}
    if method in OFFERS:
        count = asked[method] = asked.get(method, 0) + 1
        return OFFERS[method][min(count, len(OFFERS[method])) - 1]
    if method == "tools/call":
        params.pop("_meta", None)
        told = {"params": params, "asked": asked}
        return {"content": [], "structuredContent": told}
    if method == "resources/read":
        return {"contents": [{"uri": params["uri"], "text": params["uri"]}]}
    if method == "prompts/get":
        return {"messages": [{"role": "user", "content": {"type": "text", "text": params["name"]}}]}
    return None


for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        result = answer(message["method"], message.get("params", {}))
        said = {"result": result} if result else {"error": {"code": -32601, "message": "unknown"}}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **said}), flush=True)
