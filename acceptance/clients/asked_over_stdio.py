"""Asks a program over its standard input and output: asked_over_stdio.py MESSAGES COMMAND...

MESSAGES is a JSON list of JSON-RPC messages, sent one a line. Prints the answer to the last request, as one line of JSON;
exit status 1 if there is none within a minute, or if it is an error.
"""

import json
import subprocess
import sys
import threading


def main():
    messages, command = json.loads(sys.argv[1]), sys.argv[2:]
    wanted = [message["id"] for message in messages if "id" in message][-1]
    program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    patience = threading.Timer(60, program.kill)
    patience.start()
    for message in messages:
        program.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    program.stdin.flush()
    answer = None
    for line in program.stdout:
        said = json.loads(line)
        if said.get("id") == wanted and ("result" in said or "error" in said):
            answer = said
            break
    patience.cancel()
    program.kill()
    if answer is None or "error" in answer:
        sys.exit(f"error: no answer: {answer}")
    print(json.dumps(answer["result"]))


main()
