"""What the model answers. Pure: the same request has the same answer, and nothing is kept between two.

It knows what it is told and no more: whatever it remembers, the agent sent along. So an answer proves what
the agent still had, and where it had it from.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gateway.agents.transcript import FOOTER
from gateway.rules.note import NOTE_MARKER, TRANSCRIPT_MARKER

Role = Literal["user", "assistant", "tool"]
JsonObject = dict[str, Any]

_TRANSCRIPT = re.compile(rf"{re.escape(TRANSCRIPT_MARKER)}.*?{re.escape(FOOTER)}", re.DOTALL)
_QUOTED = re.compile(r"^>.*$", re.MULTILINE)
_NAMED = re.compile(r"remember the codeword (\w+)")
_ASKED = re.compile(r"what was the codeword")
_ESSAY = re.compile(r"write the essay (\w+)")
_TOOL = re.compile(r"run the tool (\w+)")
_NOTE = re.compile(re.escape(NOTE_MARKER))

_SHELLS = ("Bash", "bash", "exec_command", "shell_command", "shell", "run_shell_command")


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a request; `tool` is the result of a tool."""

    role: Role
    text: str

    @property
    def own(self) -> str:
        """What was said here: without a transcript, and without what a note repeats."""
        return _QUOTED.sub("", _TRANSCRIPT.sub("", self.text))


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the agent offers, with the JSON schema of its arguments."""

    name: str
    schema: JsonObject


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to the model, the same for every provider's interface."""

    model: str
    stream: bool
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...]

    def told(self, words: str) -> int:
        """How often the user said this, outside transcripts and what notes repeat."""
        return sum(message.own.count(words) for message in self.messages if message.role == "user")

    @property
    def transcripts(self) -> int:
        """How many transcripts there are."""
        return sum(message.text.count(TRANSCRIPT_MARKER) for message in self.messages)

    @property
    def notes(self) -> int:
        """How many notes of the gateway there are."""
        return sum(message.text.count(NOTE_MARKER) for message in self.messages)

    @property
    def last(self) -> str:
        """What the user said last."""
        return next((one.text for one in reversed(self.messages) if one.role == "user"), "")


@dataclass(frozen=True, slots=True)
class Say:
    """A text. One with a `rest` stops before it until the server ends, so that it can be killed there."""

    text: str
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """A call of a tool."""

    tool: str
    arguments: JsonObject


Reply = Say | Run


def decide(asked: Asked, commands: Mapping[str, str]) -> Reply:
    """The answer. `commands` are the shell commands of the tools that a user can name."""
    if not asked.tools:
        return Say("A short title")  # agents have conversations named, aside from the work
    last = asked.messages[-1]
    if last.role == "tool":
        return Say(f"TOOL {_latest(_TOOL, asked.messages)} DONE")
    found = [hit for kind in (_NAMED, _ASKED, _ESSAY, _TOOL, _NOTE) for hit in kind.finditer(last.own)]
    if not found:
        return Say("I heard you.")
    hit = max(found, key=lambda one: one.start())
    if hit.re is _NAMED:
        return Say(f"NOTED {hit[1]}")
    if hit.re is _ASKED:
        return Say(_recalled(asked))
    if hit.re is _ESSAY:
        return Say(f"ESSAY {hit[1]} begins with this sentence.", f" ESSAY {hit[1]} ends with this one.")
    if hit.re is _TOOL:
        return _run(asked.tools, commands[hit[1]])
    return Say(_finished(asked))


def _recalled(asked: Asked) -> str:
    earlier = asked.messages[:-1]
    if word := _latest(_NAMED, earlier):
        return f"CODEWORD={word} SOURCE=history"
    if hit := _NAMED.search(_transcripts(asked)):
        return f"CODEWORD={hit[1]} SOURCE=transcript"
    return "CODEWORD=unknown"


def _finished(asked: Asked) -> str:
    """What the model says to a note: which work it was, and where it knows that from."""
    for kind, name in ((_ESSAY, "ESSAY"), (_TOOL, "TOOL")):
        if word := _latest(kind, asked.messages):
            return f"{name} {word} FINISHED SOURCE=history"
        if hit := kind.search(_transcripts(asked)):
            return f"{name} {hit[1]} FINISHED SOURCE=transcript"
        if hit := kind.search(asked.last):
            return f"{name} {hit[1]} FINISHED SOURCE=note"
    return "NOTHING TO FINISH"


def _latest(kind: re.Pattern[str], messages: Sequence[Message]) -> str:
    """The word of the latest such request of the user, empty if there is none."""
    words = [word for one in messages if one.role == "user" for word in kind.findall(one.own)]
    return words[-1] if words else ""


def _transcripts(asked: Asked) -> str:
    return "\n".join(block for one in asked.messages for block in _TRANSCRIPT.findall(one.text))


def _run(tools: Sequence[Tool], command: str) -> Run:
    """A call of the agent's shell, with arguments as its schema wants them."""
    named = {tool.name: tool for tool in tools}
    tool = next((named[name] for name in _SHELLS if name in named), None)
    if tool is None:
        raise LookupError(f"none of these tools is a shell: {sorted(named)}")
    properties: JsonObject = tool.schema.get("properties", {})
    arguments: JsonObject = {}
    for name in {"command", "cmd", *tool.schema.get("required", [])} & properties.keys():
        if name not in ("command", "cmd"):
            arguments[name] = "a long piece of work"
        elif properties[name].get("type") in ("array", "ARRAY"):
            arguments[name] = ["bash", "-c", command]
        else:
            arguments[name] = command
    return Run(tool.name, arguments)
