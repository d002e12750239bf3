"""What a check finds out about one agent, and the words for what is wrong with it."""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.agents.ladder import refusal
from gateway.agents.outcomes import AUTH_REQUIRED, AgentRefusedError, one_line
from gateway.agents.spec import AgentSpec
from gateway.model.choices import AgentOffer

if TYPE_CHECKING:
    from gateway.agents.connection import Abilities

_LOGIN_WORDS = re.compile(
    r"log.?in\b|logged in|api.?key|authenticat|unauthori[sz]ed|credential", re.IGNORECASE
)

BY_HAND = (
    "run its program once by hand, as the user that the gateway runs as, and see what it says; "
    "docs/agents.md lists what is usual"
)
"""The advice where nothing better is known."""

_LOGINS = {
    "claude": "claude-agent-acp --cli",
    "codex": "codex login",
    "gemini": "gemini",
    "hermes": "hermes setup",
    "opencode": "opencode auth login",
}


class TroubleError(Exception):
    """The check of an agent ends here: what was found, what to do, and what the agent said to it."""

    def __init__(self, problem: str, advice: str, said: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.advice = advice
        self.said = said


@dataclass(slots=True)
class Findings:
    """What is known of one agent so far. None was not reached; times are in seconds, `memory` in bytes.

    `rung` is how the agent goes on after a restart, None where that was not proven; `why` is its reason.
    `left` names processes that outlived the agent's end; they were ended.
    """

    agent: str
    program: str = ""
    abilities: "Abilities | None" = None
    start: float | None = None
    new: float | None = None
    answer: float | None = None
    load: float | None = None
    offer: AgentOffer = field(default_factory=AgentOffer)
    memory: int | None = None
    processes: int | None = None
    rung: str | None = None
    why: str = ""
    left: list[str] = field(default_factory=list[str])
    agent_session_id: str = ""
    problem: str = ""
    advice: str = ""
    said: str = ""

    def note(self, trouble: TroubleError) -> None:
        """Keep what is wrong."""
        self.problem, self.advice = one_line(trouble.problem, 500), one_line(trouble.advice, 500)
        self.said = one_line(trouble.said)


def not_installed(spec: AgentSpec, install: str) -> TroubleError:
    """Its program is nowhere; `install` is its preset's command, empty without one."""
    how = f"install it: {install}" if install else "install it"
    return TroubleError(
        "its program was not found on PATH", f"{how}; or write its full path into agents.{spec.name}.command"
    )


def failed(spec: AgentSpec, message: str, detail: str) -> TroubleError:
    """An agent's refusal, told apart by whether logging in would help."""
    sign_in = refusal(spec.name, "", AgentRefusedError(AUTH_REQUIRED, ""))
    if message == sign_in or wants_login(detail):
        return TroubleError("it is not logged in", _login(spec), "" if message == sign_in else detail)
    return TroubleError(message, BY_HAND, detail)


def wants_login(text: str) -> bool:
    """Whether a text speaks of a login or a key."""
    return _LOGIN_WORDS.search(text) is not None


def not_logged_in(spec: AgentSpec, said: str) -> TroubleError:
    """It answers, and the answer is that nobody has logged it in."""
    return TroubleError("it is not logged in", _login(spec), said)


def hung(what: str, seconds: float, more: str) -> TroubleError:
    """It did not do `what` in time; `more` says how it is given more."""
    return TroubleError(f"it did not {what} within {seconds:g} s", f"{BY_HAND}; if it is only slow, {more}")


def _login(spec: AgentSpec) -> str:
    run = f"run `{_LOGINS[spec.preset]}`" if spec.preset in _LOGINS else "run its program"
    run = f"{run} once by hand, as the user that the gateway runs as, and log in"
    env = f"agents.{spec.name}.env"
    return f"{run}; or give it its key in {env}, because the gateway's own environment is not passed on"
