"""What can be pressed: in which words it is asked about, and what it does."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.console.control import HIGHEST_ID, LONGEST_WAIT
from gateway.console.page.parts import PageParts
from gateway.model.grant import Role
from gateway.model.operation import Intent, OperationOutcome
from gateway.model.text import storable

LONGEST_ID = 20
"""Digits that are looked at as a number at all: to read thousands of them takes long, or fails."""

About = Mapping[str, str]
"""What something is to be done with, by the names in an address."""


class OddError(ValueError):
    """What was asked for makes no sense; the text says what is allowed."""


@dataclass(frozen=True, slots=True)
class Verb:
    """One kind of action. `about` are the names of what it is done with; `waits`: it takes a length of time.

    `ask` is the question, `then` what will happen, `back` where the page goes afterwards.
    """

    label: str
    about: tuple[str, ...]
    ask: str
    then: str
    act: Callable[[PageParts, About], Awaitable[OperationOutcome]]
    back: str = "/"
    grave: bool = False
    waits: bool = False


def checked(verb: Verb, given: Mapping[str, str]) -> dict[str, str]:
    """What a request names, as far as the verb takes it. Raises `OddError`."""
    found = {name: _CHECKS[name](given.get(name, "")) for name in verb.about}
    if verb.waits:
        found["wait"] = _wait(given.get("wait", ""))
    return found


def _id(value: str) -> str:
    whole = value.isascii() and value.isdecimal() and len(value) <= LONGEST_ID
    if not (whole and int(value) <= HIGHEST_ID):
        raise OddError("an id is a whole number")
    return str(int(value))


def _word(value: str) -> str:
    if not value or len(value) > 512 or storable(value) != value:
        raise OddError("a name of an account or person, or a code, is expected")
    return value


def _role(value: str) -> str:
    if value not in set(Role):
        raise OddError(f"a role is one of {', '.join(Role)}")
    return value


def _wait(value: str) -> str:
    """Seconds, or nothing for what the config says."""
    text = value.strip()
    if not text:
        return ""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= LONGEST_WAIT:
        raise OddError("a wait is a number of seconds from 0; nothing means what the config says")
    return text


_CHECKS: Final[Mapping[str, Callable[[str], str]]] = {
    "session": _id,
    "delivery": _id,
    "code": _word,
    "role": _role,
    "account": _word,
    "person": _word,
}


def _seconds(about: About) -> float | None:
    return float(about["wait"]) if about["wait"] else None


async def _resume(parts: PageParts, about: About) -> OperationOutcome:
    return await parts.operations.resume(int(about["session"]))


async def _suspend(parts: PageParts, about: About) -> OperationOutcome:
    return await parts.operations.suspend(int(about["session"]))


async def _reset(parts: PageParts, about: About) -> OperationOutcome:
    return await parts.operations.reset(int(about["session"]))


async def _retry(parts: PageParts, about: About) -> OperationOutcome:
    return await parts.operations.retry(int(about["delivery"]))


async def _drop(parts: PageParts, about: About) -> OperationOutcome:
    return await parts.operations.drop(int(about["delivery"]))


async def _drain(parts: PageParts, about: About) -> OperationOutcome:
    return parts.operations.stop(Intent.STOP, _seconds(about))


async def _restart(parts: PageParts, about: About) -> OperationOutcome:
    return parts.operations.stop(Intent.RESTART, _seconds(about))


async def _undrain(parts: PageParts, _about: About) -> OperationOutcome:
    return parts.operations.undrain()


async def _reload(parts: PageParts, _about: About) -> OperationOutcome:
    return await parts.operations.reload()


async def _approve(parts: PageParts, about: About) -> OperationOutcome:
    return await parts.operations.pair(about["code"], Role(about["role"]))


async def _refuse(parts: PageParts, about: About) -> OperationOutcome:
    return await parts.refuse(about["code"])


async def _revoke(parts: PageParts, about: About) -> OperationOutcome:
    return await parts.operations.revoke(about["account"], about["person"])


VERBS: Final[Mapping[str, Verb]] = {
    "resume": Verb(
        "Resume",
        ("session",),
        "Resume session {session}?",
        "It goes on with what was interrupted, if there is anything, and its attempts are counted anew. "
        "Messages that wait in it are answered.",
        _resume,
        "/sessions/{session}",
    ),
    "suspend": Verb(
        "Suspend",
        ("session",),
        "Suspend session {session}?",
        "A running turn in it is cut, and no other begins until somebody resumes it. Its chat is told.",
        _suspend,
        "/sessions/{session}",
    ),
    "reset": Verb(
        "Reset",
        ("session",),
        "Begin a new conversation in place of session {session}?",
        "A running turn in it is cut for good, and messages that wait in it are dropped. The agent forgets "
        "the conversation; the ledger keeps it. This cannot be undone here.",
        _reset,
        "/sessions/{session}",
        grave=True,
    ),
    "retry": Verb(
        "Retry",
        ("delivery",),
        "Send answer {delivery} once more?",
        "If it was held and did arrive, its chat will have it twice; if it was refused, it did not arrive.",
        _retry,
        "/#undecided",
    ),
    "drop": Verb(
        "Drop",
        ("delivery",),
        "Give up answer {delivery}?",
        "It will not be sent. Retry can still send it later.",
        _drop,
        "/#undecided",
        grave=True,
    ),
    "drain": Verb(
        "Stop",
        (),
        "Stop the gateway?",
        "It waits for running turns, then marks and interrupts what still runs, sends the last answers and "
        "ends. Somebody has to start it again; what comes meanwhile is answered then.",
        _drain,
        grave=True,
        waits=True,
    ),
    "restart": Verb(
        "Restart",
        (),
        "Restart the gateway?",
        "It waits for running turns, then marks and interrupts what still runs, and ends with the exit code "
        "that asks its supervisor to start it again. What was interrupted is gone on with.",
        _restart,
        waits=True,
    ),
    "undrain": Verb(
        "Keep serving",
        (),
        "Keep serving after all?",
        "The stop that was asked for is taken back. Messages that came meanwhile are answered.",
        _undrain,
    ),
    "reload": Verb(
        "Reload config",
        (),
        "Read the config file again?",
        "Keys that can change while the gateway runs count at once. With a problem in it, nothing changes.",
        _reload,
    ),
    "approve": Verb(
        "Let in",
        ("code", "role"),
        "Let the person with the code {code} in, as {role}?",
        "They may use the bot at once and are told so. An admin may also give it orders.",
        _approve,
        "/people",
    ),
    "refuse": Verb(
        "Refuse",
        ("code",),
        "Refuse the person with the code {code}?",
        "The code becomes void.",
        _refuse,
        "/people",
    ),
    "revoke": Verb(
        "Revoke",
        ("account", "person"),
        "Take back the grant of {account}:{person}?",
        "They may not use the bot any more. What they have under way is ended, and what they have waiting is "
        "dropped.",
        _revoke,
        "/people",
        grave=True,
    ),
}
