"""How talking to an agent can go wrong, told apart by what it means for the process.

`AgentRefusedError`: the agent answered, with an error. `AgentGoneError`: it did not, and the process cannot
be used any more. `AgentStartError`: there never was one. They stay inside this package; its users get values.
`Finished` is the answer to a prompt where nothing went wrong.
"""

from dataclasses import dataclass

from gateway.model.text import storable
from gateway.model.usage import Usage

AUTH_REQUIRED = -32000
INTERNAL_ERROR = -32603
RESOURCE_NOT_FOUND = -32002

_LINE_LIMIT = 300


class AgentRefusedError(Exception):
    """The agent answered a request with an error. `said` is its message on one bounded line."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(f"{said} ({code})")
        self.code = code
        self.said = said


@dataclass(frozen=True, slots=True)
class Finished:
    """The agent answered a prompt: its stop reason, and what the turn has used as far as it told."""

    stop_reason: str
    usage: Usage | None = None


class AgentGoneError(Exception):
    """The connection broke, or the agent does not answer."""


class AgentStartError(Exception):
    """No process could be started. `message` is for the person in the chat."""

    def __init__(self, message: str, detail: str, *, retry: bool) -> None:
        super().__init__(detail)
        self.message = message
        self.detail = detail
        self.retry = retry


def one_line(text: str, limit: int = _LINE_LIMIT) -> str:
    """Fold a text of an agent's into one bounded line that can be stored."""
    folded = " ".join(storable(text[: limit * 4]).split())
    return folded if len(folded) <= limit else folded[: limit - 1] + "…"


def redacted(agent_session_id: str) -> str:
    """The end of an agent session id. The whole of it lets its holder into the conversation."""
    return f"…{agent_session_id[-8:]}" if len(agent_session_id) > 12 else "…"
