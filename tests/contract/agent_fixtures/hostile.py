"""An agent that misbehaves in the way its first argument names. Lines of JSON over stdio, no library.

`ways.py` tells what the ways are; those that go wrong in a turn are in `turns.py` and `handing.py`, each as a
function.
"""

import json
import os
import signal
import sys
from collections.abc import Callable

import handing  # noqa: F401  (registers ways)
from keys import KEYS
from replays import REPLAYS
from turns import TURNS
from ways import WAYS
from wire import chunk, refuse, reply, request, tool, update

OPTIONS = (
    {"type": "select", "id": "model", "name": "Model", "category": "model", "currentValue": "small",
     "options": [
         {"group": "near", "name": "Near", "options": [{"value": "small", "name": "Small one"}]},
         {"group": "far", "name": "Far", "options": [{"value": "large", "name": "Large one"}]},
     ]},
    {"type": "boolean", "id": "web", "name": "Search the web", "category": "nobody's", "currentValue": False},
    {"type": "select", "id": "think", "name": "Think", "currentValue": "off",
     "options": [{"value": "off", "name": "Off"}, {"value": "on", "name": "On"}]},
    {"type": "slider", "id": "heat", "name": "Heat", "currentValue": 0.5},
)  # fmt: skip
COMMANDS = [{"name": "/plan", "description": "make\na plan"}, {"name": "web", "description": "search"}]


class Hostile:
    """One method for each request; the way decides where it goes wrong."""

    def __init__(self, way: str, arguments: list[str]) -> None:
        self.way = way
        self.arguments = arguments
        self.prompting: int | None = None
        self.prompts = 0
        self.blocks: list[dict] = []
        self.loaded = self.logged_in = False
        self.then: Callable[[dict], None] | None = None  # what to do with the answer to a request of ours
        self.set: list[object] = []
        self.mode = "careful"
        self.options = [dict(option) for option in OPTIONS]

    def initialize(self, number: int, _params: dict) -> None:
        if self.way == "hangs_at_initialize":
            return
        if self.way == "exits_at_start":
            sys.stderr.write("no key found in the settings\n")
            sys.exit(3)
        capabilities = {"loadSession": self.way != "cannot_load"}
        if self.way in ("takes_files", "dies_of_a_long_prompt", "stops_reading"):
            capabilities["promptCapabilities"] = {"image": True, "audio": True}
        version = 2 if self.way == "speaks_version_2" else 1
        answer = {"protocolVersion": version, "agentCapabilities": capabilities}
        reply(number, {**answer, "authMethods": KEYS.get(self.way, [])})

    def authenticate(self, number: int, params: dict) -> None:
        self.set.append(["authenticate", params["methodId"]])
        if self.way == "refuses_its_key":
            refuse(number, -32603, "Internal error", {"details": "the key is wrong"})
        else:
            self.logged_in = True
            reply(number, {})

    def new(self, number: int, _params: dict) -> None:
        if self.way == "needs_login" or (self.way in KEYS and not self.logged_in):
            refuse(number, -32000, "Authentication required")
        elif self.way == "asks_unheard":
            self.ask("s1", lambda answer: (self.set.append(answer), reply(number, {"sessionId": "s1"})))
        else:
            if self._chooses:
                update("s1", {"sessionUpdate": "available_commands_update", "availableCommands": COMMANDS})
            reply(number, {"sessionId": "s1", **self._offer()})
        if self.way == "dies_of_a_long_prompt":
            os.read(0, 1000)
            os._exit(1)
        while self.way == "stops_reading":
            signal.pause()

    def load(self, number: int, params: dict) -> None:
        self.loaded = True
        session = params["sessionId"]
        if self.way in KEYS and not self.logged_in:
            refuse(number, -32000, "Authentication required")
            return
        if self.way == "breaks_at_load":
            sys.exit(0)
        if self.way == "load_error":
            refuse(number, -32603, "Internal error", {"details": f"Session not found: {session}"})
            return
        before, after = REPLAYS.get(self.way, ((), ()))
        for one in before:
            update(session, one)
        reply(number, self._offer())
        for one in after:
            update(session, one)

    def prompt(self, number: int, params: dict) -> None:
        self.prompting = number
        self.prompts += 1
        self.blocks = params["prompt"]
        texts = [block["text"] for block in self.blocks if block["type"] == "text"]
        turn = TURNS.get(self.way)
        if turn is None or turn(self, number, params["sessionId"], texts):
            self.end(number, params["sessionId"], "|".join(texts))

    def end(self, number: int, session: str, text: str) -> None:
        """Answer a prompt."""
        chunk(session, text)
        reply(number, {"stopReason": "end_turn"})
        self.prompting = None

    def ask(self, session: str, then: Callable[[dict], None], **more: object) -> None:
        """Ask for permission, and go on with the whole answer."""
        self.then = then
        call = {"toolCallId": "t1", "title": "rm -rf /", "kind": "execute"}
        allow = {"optionId": "yes", "name": "Yes", "kind": "allow_once"}
        reject = {"optionId": "no", "name": "No", "kind": "reject_once"}
        params = {"sessionId": session, "toolCall": call, "options": [allow, reject], **more}
        request("ask", "session/request_permission", params)

    def answered(self, message: dict) -> None:
        then, self.then = self.then, None
        if then is not None:
            then(message)

    def set_mode(self, number: int, params: dict) -> None:
        if self.way == "speaks_after_the_end":
            chunk(params["sessionId"], "later still")
        elif self.way == "refuses_settings" and params["modeId"] != "careful":
            refuse(number, -32602, "Invalid params", {"details": f"there is no mode {params['modeId']}"})
            return
        self.set.append(["mode", params["modeId"]])
        self.mode = params["modeId"]
        reply(number, {})
        if self.way == "offers_between_turns":
            self._change(params["sessionId"])

    def set_config_option(self, number: int, params: dict) -> None:
        known = next((one for one in self.options if one["id"] == params["configId"]), None)
        if self.way == "hangs_at_settings":
            return
        if known is None or self.way == "refuses_settings":
            refuse(number, -32602, "Invalid params", {"details": f"{params['value']} is not offered"})
            return
        self.set.append([params["configId"], params["value"]])
        known["currentValue"] = params["value"]
        reply(number, {"configOptions": self.options})

    def cancel(self, params: dict) -> None:
        if self.prompting is None:
            return
        match self.way:
            case "silent_until_cancelled" | "asks_and_leaves" | "asks_then_silent":
                reply(self.prompting, {"stopReason": "cancelled"})
            case "cuts_a_tool_and_stops" | "cuts_a_tool_and_finishes":
                update(params["sessionId"], tool("t1", "completed", "tool_call_update"))
                ends = "cancelled" if self.way == "cuts_a_tool_and_stops" else "end_turn"
                reply(self.prompting, {"stopReason": ends})
            case "finishes_when_cancelled":
                self.end(self.prompting, params["sessionId"], "done after all")
            case "fails_when_cancelled":
                refuse(self.prompting, -32603, "Internal error", {"details": "aborted"})
            case _:
                pass

    @property
    def _chooses(self) -> bool:
        return self.way.startswith("offers") or self.way.endswith("settings")

    def _offer(self) -> dict:
        if not self._chooses:
            return {}
        modes = [{"id": "careful", "name": "Careful"}, {"id": "bold", "name": "Bold"}]
        return {
            "modes": {"currentModeId": self.mode, "availableModes": modes},
            "configOptions": self.options,
        }

    def _change(self, session: str) -> None:
        self.options[0]["currentValue"] = "large"
        update(session, {"sessionUpdate": "current_mode_update", "currentModeId": "tired"})
        update(session, {"sessionUpdate": "config_option_update", "configOptions": self.options[:1]})
        update(session, {"sessionUpdate": "available_commands_update", "availableCommands": COMMANDS[:1]})


def main() -> None:
    way, *arguments = sys.argv[1:]
    assert way in WAYS, way
    agent = Hostile(way, arguments)
    if way == "outlives_sigterm":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for line in sys.stdin:
        message = json.loads(line)
        if message.get("method") == "session/cancel":
            agent.cancel(message["params"])
        elif "method" not in message:
            agent.answered(message)
        elif "id" in message:
            name = message["method"].rpartition("/")[2]
            getattr(agent, name)(message["id"], message["params"])
    while way == "outlives_sigterm":
        signal.pause()


main()
