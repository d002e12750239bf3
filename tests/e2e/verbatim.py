"""A program that is an agent: it answers every prompt with its text, word for word and line by line."""

import json
import sys


def send(message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def answer(method, params):
    if method == "initialize":
        return {"protocolVersion": 1, "agentCapabilities": {}}
    if method == "session/new":
        return {"sessionId": "the only one"}
    for block in params["prompt"]:
        change = {"sessionUpdate": "agent_message_chunk", "content": block}
        send({"method": "session/update", "params": {"sessionId": params["sessionId"], "update": change}})
    return {"stopReason": "end_turn"}


for line in sys.stdin:
    asked = json.loads(line)
    if "id" in asked:
        send({"id": asked["id"], "result": answer(asked["method"], asked.get("params"))})
