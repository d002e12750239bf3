"""An agent that misbehaves in the way its first argument names. Lines of JSON over stdio, no library.

Each way was seen in, or is a small step from, an agent that people use.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

WAY = sys.argv[1]
ARGUMENTS = sys.argv[2:]


def send(message: object) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def update(session: str, kind: str, text: str) -> None:
    content = {"type": "text", "text": text}
    params = {"sessionId": session, "update": {"sessionUpdate": kind, "content": content}}
    send({"jsonrpc": "2.0", "method": "session/update", "params": params})


def reply(number: int, result: object) -> None:
    send({"jsonrpc": "2.0", "id": number, "result": result})


def refuse(number: int, code: int, message: str, data: object = None) -> None:
    send({"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message, "data": data}})


def rubbish() -> None:
    for line in ("Loading model...", "[1, 2]", "42", '"text"', "null", '{"id": [1], "result": {}}', "{", ""):
        sys.stdout.write(line + "\n")
    unknown = {"sessionId": "s1", "update": {"sessionUpdate": "mood_changed", "mood": "grim"}}
    send({"jsonrpc": "2.0", "method": "session/update", "params": unknown})


class Hostile:
    """One method for each request; WAY decides where it goes wrong."""

    def __init__(self) -> None:
        self.prompting: int | None = None
        self.loaded = False

    def initialize(self, number: int, _params: dict) -> None:
        if WAY == "hangs_at_initialize":
            return
        if WAY == "exits_at_start":
            sys.stderr.write("no key found in the settings\n")
            sys.exit(3)
        capabilities = {"loadSession": WAY != "cannot_load"}
        reply(number, {"protocolVersion": 1, "agentCapabilities": capabilities})

    def new(self, number: int, _params: dict) -> None:
        if WAY == "needs_login":
            refuse(number, -32000, "Authentication required")
            return
        reply(number, {"sessionId": "s1"})

    def load(self, number: int, params: dict) -> None:
        self.loaded = True
        session = params["sessionId"]
        if WAY == "breaks_at_load":
            sys.exit(0)
        if WAY == "late_replay":  # the answer first, then what should have come before it
            reply(number, {})
            update(session, "user_message_chunk", "the first half ")
            update(session, "user_message_chunk", "and the second")
            update(session, "agent_message_chunk", "an old answer")
        elif WAY == "replays":
            update(session, "user_message_chunk", "first")
            update(session, "agent_message_chunk", "answer")
            update(session, "user_message_chunk", "second")
            reply(number, {})
        elif WAY == "load_error":
            refuse(number, -32603, "Internal error", {"details": "Session not found"})
        else:  # success without any history, for whatever id
            reply(number, {})

    def prompt(self, number: int, params: dict) -> None:
        session = params["sessionId"]
        texts = [block["text"] for block in params["prompt"]]
        self.prompting = number
        match WAY:
            case "writes_much_to_stderr":
                sys.stderr.write("x" * 1024 * 1024 + "\nthe end\n")
                sys.stderr.flush()
            case "prints_rubbish":
                rubbish()
            case "unknown_stop_reason":
                reply(number, {"stopReason": "bored"})
                return
            case "silent" | "silent_until_cancelled" | "finishes_when_cancelled":
                update(session, "agent_thought_chunk", "at work")
                return
            case "refuses":
                refuse(
                    number, -32603, "Internal error", {"details": "the model is\n overloaded " + "x" * 5000}
                )
                return
            case "empty_load" if self.loaded:
                reply(number, {"stopReason": "refusal"})
                return
            case "leaves_an_orphan":
                child = subprocess.Popen(["sleep", "300"], start_new_session=True)
                Path(ARGUMENTS[0]).write_text(str(child.pid))
                os._exit(1)
            case "has_a_child":
                child = subprocess.Popen(["sleep", "300"], start_new_session=True)
                Path(ARGUMENTS[0]).write_text(str(child.pid))
            case "tells_its_environment":
                texts = [json.dumps(dict(os.environ))]
            case "tells_its_directory":
                texts = [str(Path.cwd())]
            case _:
                pass
        update(session, "agent_message_chunk", "|".join(texts))
        reply(number, {"stopReason": "end_turn"})

    def cancel(self, params: dict) -> None:
        if self.prompting is None:
            return
        if WAY == "silent_until_cancelled":
            reply(self.prompting, {"stopReason": "cancelled"})
        elif WAY == "finishes_when_cancelled":
            update(params["sessionId"], "agent_message_chunk", "done after all")
            reply(self.prompting, {"stopReason": "end_turn"})


def main() -> None:
    agent = Hostile()
    for line in sys.stdin:
        message = json.loads(line)
        if message.get("method") == "session/cancel":
            agent.cancel(message["params"])
        elif "id" in message and "method" in message:
            name = message["method"].rpartition("/")[2]
            getattr(agent, name)(message["id"], message["params"])


main()
