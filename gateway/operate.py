"""What write commands do: through a running gateway's control socket, or on the ledger of a stopped one."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from gateway.config.models import Config
from gateway.console.client import NotRunningError, ask
from gateway.engine.access import OPERATOR, grant_by_code, let_in_text, not_granted_text, revoked_text
from gateway.engine.operations import RESET, SUSPENDED, resumed_text
from gateway.errors import CarryonError, ConfigError
from gateway.model.delivery import DeliveryKind, Draft
from gateway.model.grant import Role
from gateway.model.message import MessageState
from gateway.model.session import Reason, SessionState
from gateway.model.turn import TurnState
from gateway.policies import access_policy, ledger_place
from gateway.ports import Store
from gateway.rules.access import permits
from gateway.rules.pairing import NO_SUCH_CODE
from gateway.store import library
from gateway.store.lock import LOCK_FILE, hold_state
from gateway.store.place import exists, open_ledger, reading

HIGHEST_ID = 2**63 - 1
"""What fits into the ledger."""

STILL_COUNTS = "nothing was changed: a running gateway goes on with what it read before"

ELSEWHERE = (
    "If one runs with another state_dir or environment than this shell, name its place: "
    "`CARRYON__state_dir=/its/state_dir carryon status`."
)

FOLLOW_SECONDS = 0.5
"""How often a stop that is being followed is looked at."""


def status(config: Config) -> dict[str, Any] | None:
    """What the running gateway says of itself; None when none is running."""
    try:
        return ask(config.state_dir, "GET", "/status")
    except NotRunningError:
        return None


def stop(config: Config, intent: str, wait: float | None) -> Iterator[str]:
    """Ask the running gateway to stop, and say what it is waiting for until it is gone.

    Raises `CarryonError` when none is running.
    """
    asked = status(config)
    yield _ask(config, "/stop", {"intent": intent, "wait": wait})
    said = ""
    while (found := status(config)) is not None:
        if asked is not None and found["boot_id"] != asked["boot_id"]:
            break  # its supervisor was quick: this is the next one
        if found["phase"] == "serving":
            raise CarryonError("the stop was undone; the gateway goes on serving")
        line = _progress(found)
        if line != said:
            said = line
            yield line
        time.sleep(FOLLOW_SECONDS)
    if asked is not None:
        intent = _came_to(config, asked["boot_id"]) or intent
    yield "stopped" if intent == "stop" else "stopped with exit code 75, for its supervisor to start it again"


def _came_to(config: Config, boot_id: int) -> str | None:
    """What a boot's stop was in the end: somebody may have asked for the other one since."""
    try:
        with reading(ledger_place(config)) as tx:
            return next((boot.intent for boot in library.boots(tx, 10) if boot.id == boot_id), None)
    except CarryonError:
        return None


def undrain(config: Config) -> str:
    """Undo a stop that is still waiting for running turns."""
    return _ask(config, "/undrain", {})


def reload(config: Config) -> str:
    """Have the running gateway read its config file again; a line for each key that differs.

    Raises `ConfigError` where it finds that it cannot use the file.
    """
    try:
        answer = ask(config.state_dir, "POST", "/reload")
    except NotRunningError:
        raise _not_running(config) from None
    if problems := answer.get("problems"):
        raise ConfigError([*map(str, problems), STILL_COUNTS])
    return _outcome(answer)


def session_action(config: Config, action: str, session_id: int) -> str:
    """`resume`, `suspend` or `reset` a session."""
    try:
        return _outcome(ask(config.state_dir, "POST", f"/sessions/{session_id}/{action}"))
    except NotRunningError:
        return _offline(config, _SESSION_ACTIONS[action], session_id)


def delivery_action(config: Config, action: str, delivery_id: int) -> str:
    """`retry` or `drop` a delivery."""
    try:
        return _outcome(ask(config.state_dir, "POST", f"/deliveries/{delivery_id}/{action}"))
    except NotRunningError:
        return _offline(config, _DELIVERY_ACTIONS[action], delivery_id)


def approve(config: Config, code: str, role: Role) -> str:
    """Let somebody in who was given this code."""
    try:
        return _outcome(ask(config.state_dir, "POST", "/people/pair", {"code": code, "role": role}))
    except NotRunningError:
        pass

    async def act(store: Store, now: float) -> str:
        grant = await grant_by_code(store, code, role, OPERATOR, now)
        if grant is None:
            raise CarryonError(NO_SUCH_CODE)
        return f"{let_in_text(grant)}; they are told when the gateway starts"

    return _on_ledger(config, act)


def revoke(config: Config, account: str, person: str) -> str:
    """Cut somebody off who was let in by a person."""
    try:
        return _outcome(
            ask(config.state_dir, "POST", "/people/revoke", {"account": account, "person": person})
        )
    except NotRunningError:
        pass

    async def act(store: Store, now: float) -> str:
        configured = access_policy(config)
        if not await store.revoke(account, person, now):
            raise CarryonError(not_granted_text(configured, account, person))
        if not permits(configured, account, person):
            await store.withdraw_of(account, person)
        return revoked_text(configured, account, person)

    return _on_ledger(config, act)


def _progress(found: dict[str, Any]) -> str:
    turns = ", ".join(f"turn {t['turn_id']} of session {t['session_id']}" for t in found["running"])
    if found["phase"] == "waiting":
        # Whole ten seconds, so that a line is said when something changes and not twice a second.
        left = int((found["deadline"] or 0) // 10 * 10)
        what = turns or "conversations to end"
        return f"waiting for {what}; more than {left} s left (`carryon undrain` undoes it)"
    return f"{found['phase']}: {turns or 'no turn is running'}"


def _ask(config: Config, path: str, body: dict[str, object]) -> str:
    try:
        return _outcome(ask(config.state_dir, "POST", path, body))
    except NotRunningError:
        raise _not_running(config) from None


def _not_running(config: Config) -> CarryonError:
    said = f"no gateway is running on {config.state_dir}"
    if not (config.state_dir / LOCK_FILE).exists():
        said = f"{said}, and none ever was. {ELSEWHERE}"
    return CarryonError(said)


def _outcome(answer: dict[str, Any]) -> str:
    if not answer.get("done"):
        raise CarryonError(str(answer.get("text", answer)))
    return str(answer["text"])


Offline = Callable[[Store, int, float], Awaitable[str]]


def _offline(config: Config, action: Offline, ident: int) -> str:
    if not -HIGHEST_ID <= ident <= HIGHEST_ID:
        raise CarryonError(f"there is nothing with the id {ident}")
    return _on_ledger(config, lambda store, now: action(store, ident, now))


def _on_ledger(config: Config, action: Callable[[Store, float], Awaitable[str]]) -> str:
    """On the ledger itself. The lock on the state keeps a gateway from starting meanwhile."""

    async def act() -> str:
        async with open_ledger(ledger_place(config)) as store:
            return await action(store, time.time())

    if not exists(ledger_place(config)):
        raise CarryonError(f"there is no ledger in {config.state_dir} yet")
    with hold_state(config.state_dir):
        try:
            return asyncio.run(act())
        except* CarryonError as group:
            raise group.exceptions[0] from None


async def _resume(store: Store, session_id: int, now: float) -> str:
    await _known(store, session_id)
    unfinished = await store.reactivate(session_id, f"resume:operator:{session_id}:{now:.6f}", now)
    if unfinished:
        return f"{resumed_text(session_id, unfinished=True)} when the gateway starts"
    if any(turn.state is TurnState.RUNNING for turn in await store.turns(session_id)):
        return f"session {session_id} was cut short; the next start decides (`carryon recover --dry-run`)"
    return resumed_text(session_id, unfinished=False)


async def _suspend(store: Store, session_id: int, now: float) -> str:
    state = await _known(store, session_id)
    if state is SessionState.SUSPENDED:
        raise CarryonError(f"session {session_id} is suspended already")
    await store.suspend(session_id, Reason.MANUAL, (Draft(DeliveryKind.NOTICE, SUSPENDED),), now)
    return f"session {session_id} is suspended; its chat is told when the gateway starts"


async def _reset(store: Store, session_id: int, now: float) -> str:
    await _known(store, session_id)
    waiting = any(message.state is MessageState.WAITING for message in await store.messages(session_id))
    running = any(turn.state is TurnState.RUNNING for turn in await store.turns(session_id))
    fresh = await store.next_generation(session_id, now)
    if waiting or running:
        await store.notify(fresh, (Draft(DeliveryKind.NOTICE, RESET),), now)
    return f"session {fresh} takes the place of session {session_id}"


async def _retry(store: Store, delivery_id: int, now: float) -> str:
    del now
    if await store.revive(delivery_id) is None:
        raise CarryonError(f"delivery {delivery_id} is neither held nor rejected")
    return f"delivery {delivery_id} will be sent when the gateway starts"


async def _drop(store: Store, delivery_id: int, now: float) -> str:
    if not await store.drop(delivery_id, now):
        raise CarryonError(f"delivery {delivery_id} is not waiting to be sent")
    return f"delivery {delivery_id} will not be sent"


async def _known(store: Store, session_id: int) -> SessionState:
    session = await store.session(session_id)
    if session is None:
        raise CarryonError(f"there is no session {session_id}; `carryon sessions list` shows those there are")
    return session.state


_SESSION_ACTIONS: dict[str, Offline] = {"resume": _resume, "suspend": _suspend, "reset": _reset}
_DELIVERY_ACTIONS: dict[str, Offline] = {"retry": _retry, "drop": _drop}
