"""What `carryon status` prints: what a running gateway says of itself, and what the ledger says."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.config.models import Config
from gateway.errors import CarryonError
from gateway.inspection import json_text, place, time_text
from gateway.model.overview import BootEnd, Overview, Pending, Restart
from gateway.model.session import SessionState
from gateway.operate import ELSEWHERE
from gateway.policies import ledger_place
from gateway.rules.words import ago, counted, lasting, one_line
from gateway.store import overview
from gateway.store.lock import holder
from gateway.store.place import exists, reading
from gateway.store.tx import Tx

BOOTS: Final = 5
"""How many boots back the last one that left something unfinished is looked for."""

LISTED: Final = 5
"""Sessions of a kind that are named; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The ledger at a glance, and its latest boots, newest first."""

    overview: Overview
    restarts: tuple[Restart, ...]


def standing(config: Config) -> Standing | None:
    """What the ledger says; None where there is none yet.

    Raises `CarryonError` where it cannot be read.
    """
    kept = ledger_place(config)
    if not exists(kept):
        return None
    with reading(kept) as raw:
        return _read(raw)


def _read(raw: Tx) -> Standing:
    return Standing(overview.overview(raw), overview.restarts(raw, BOOTS))


def status(config: Config, live: dict[str, Any] | None, now: float, *, json: bool) -> str:
    """A gateway at a glance; `live` is what it says of itself, None when none is running.

    A ledger that cannot be read is a line of its own: what the gateway itself says is worth having then.
    """
    unreadable = ""
    try:
        found = standing(config)
    except CarryonError as error:
        found, unreadable = None, str(error)
    if json:
        ledger = None if found is None else _values(found, now)
        problem = {"ledger_problem": unreadable} if unreadable else {}
        return json_text({"up": live is not None, **(live or {}), "ledger": ledger, **problem})
    lines = [*_live(live, unreadable)] if live else [_silent(config, found, now, unreadable)]
    if unreadable:
        lines.append(unreadable)
    if found is not None:
        if live is None and found.overview.running:
            cut = counted(found.overview.running, "turn")
            lines.append(f"cut short: {cut}; `carryon recover --dry-run` says what the next start does")
        lines += _owed(found.overview, now)
        lines += _history(found.restarts, now, running=live is not None)
    return "\n".join(lines)


def _ledger(live: dict[str, Any], unreadable: str) -> str:
    if live.get("ledger_damaged"):
        return "DAMAGED; stop the gateway, then `carryon doctor` looks into it"
    if not live["ledger_writable"]:
        return "CANNOT BE WRITTEN; nothing is acknowledged"
    return "writable, BUT IT CANNOT BE READ" if unreadable else "writable"


def _live(live: dict[str, Any], unreadable: str = "") -> Iterator[str]:
    phase = "draining, waiting for turns" if live["phase"] == "waiting" else live["phase"]
    yield f"boot {live['boot_id']}, process {live['pid']}, up {lasting(live['uptime'])}: {phase}"
    if live["deadline"] is not None:
        yield f"{live['intent']} in at most {live['deadline']:.0f} s"
    yield "ledger: " + _ledger(live, unreadable)
    if live["breaker_open"]:
        yield (
            "crashed too often lately: nothing was resumed without being asked "
            "(`carryon sessions resume ID` lets one go on)"
        )
    yield from _config_lines(live.get("config") or {})
    yield from (_account_line(account) for account in live["accounts"])
    for turn in live["running"]:
        name = f"turn {turn['turn_id']} of session {turn['session_id']}"
        yield f"{name}: running for {lasting(turn['seconds'])}"
    if counts := live.get("continued"):
        told = ", ".join(f"{count} {mode}" for mode, count in counts.items())
        yield f"conversations opened: {told}"
    chats = counted(live["queued_chats"], "chat")
    yield f"{counted(live['lanes'], 'session')} at work, {chats} with replies to be sent"


def _config_lines(config: dict[str, Any]) -> Iterator[str]:
    if keys := config.get("needs_restart"):
        yield f"config: changed, and counts after `carryon restart`: {', '.join(keys)}"
    if problems := config.get("problems"):
        yield f"config: the file cannot be used as it is now; what was read before counts: {problems[0]}"


def _account_line(account: dict[str, Any]) -> str:
    """One account; what an outage cost is said only where there was one."""
    line = f"account {account['name']}: "
    line += "connected" if account["connected"] else f"not connected ({account['why']})"
    if account["found"]:
        line += f"; found {counted(account['found'], 'message')} from while it was away"
    if account["too_old"]:
        line += f"; not answered: {account['too_old']} older than resume.freshness, or than a restore"
    return line


def _silent(config: Config, found: Standing | None, now: float, unreadable: str) -> str:
    pid = holder(config.state_dir)
    if pid is None:
        return _gone(config, found, now, unreadable)
    return f"Process {pid} holds {config.state_dir} and does not answer: it is starting, stopping or stuck."


def _gone(config: Config, found: Standing | None, now: float, unreadable: str) -> str:
    line = f"No gateway is running on {config.state_dir}"
    if unreadable:
        return f"{line}."
    if found is None or not found.restarts:
        return f"{line}, and none ever was. {ELSEWHERE}"
    boot = found.restarts[0].boot
    if boot.stopped_at is not None:
        return f"{line}. The last one (boot {boot.id}) stopped {ago(now - boot.stopped_at)}."
    return f"{line}. The last one (boot {boot.id}) died without stopping, {ago(now - boot.seen_at)}."


def _owed(seen: Overview, now: float) -> Iterator[str]:
    if seen.waiting:
        since = lasting(now - (seen.waiting_since or now))
        yield f"waiting: {counted(seen.waiting, 'message')}, the oldest for {since}"
        yield from (
            f"  session {one.session_id} ({one.address.account} {place(one.address)}): {one.waiting}"
            for one in seen.queues[:LISTED]
        )
        yield from _rest(len(seen.queues))
    pending = seen.interrupted
    if pending or seen.suspended:
        by_reason = seen.pending_by_reason
        several = len(by_reason) > 1
        reasons = ", ".join(f"{count} {reason}" if several else reason for reason, count in by_reason.items())
        head = f"interrupted: {pending}" + (f" ({reasons})" if reasons else "")
        yield f"{head}; suspended: {seen.suspended}"
        yield from (_pending_line(one, now) for one in seen.pending[:LISTED])
        yield from _rest(len(seen.pending))
    if seen.deliveries:
        told = ", ".join(f"{count} {state}" for state, count in seen.deliveries.items())
        oldest = f"; the oldest waits for {lasting(now - seen.owed_since)}" if seen.owed_since else ""
        yield f"deliveries: {told}{oldest} (`carryon deliveries list`)"


def _rest(number: int) -> Iterator[str]:
    if number > LISTED:
        yield f"  and {number - LISTED:,} more"


def _pending_line(one: Pending, now: float) -> str:
    where = f"  session {one.session_id} ({one.address.account} {place(one.address)})"
    what = f"{one.state.replace('_', ' ')}: {one.reason or 'no reason'}"
    when = f", {ago(now - one.marked_at)}" if one.marked_at is not None else ""
    tried = f", {counted(one.attempts, 'attempt')}" if one.attempts else ""
    title = f": {one_line(one.title, 40)}" if one.title else ""
    how = ""
    if one.state is SessionState.SUSPENDED:
        how = f" (`carryon sessions resume {one.session_id}`)"
    return f"{where} {what}{when}{tried}{title}{how}"


def _history(restarts: Sequence[Restart], now: float, *, running: bool) -> Iterator[str]:
    """The last boot that left something unfinished, and what became of that, as far as it is news."""
    earlier = restarts[1:] if running else restarts
    if running and earlier:
        before = earlier[0]
        how = "after a crash" if before.end is BootEnd.CRASHED else f"after a clean {_word(before.end)}"
        yield f"last start: {ago(now - restarts[0].boot.started_at)}, {how} of boot {before.boot.id}"
    cut = next((one for one in earlier if one.interrupted), None)
    if cut is not None and cut is not earlier[0] and all(one.by_turn is not None for one in cut.cut):
        return
    if cut is None:
        return
    modes = Counter(str(one.mode or one.state) for one in cut.cut if one.by_turn is not None)
    unfinished = sum(one.by_turn is None for one in cut.cut)
    told = [f"{count} continued ({mode})" for mode, count in modes.items()]
    told += [f"{unfinished} not gone on with"] if unfinished else []
    yield f"boot {cut.boot.id} left {counted(cut.interrupted, 'turn')} unfinished: {', '.join(told)}"


def _word(end: BootEnd) -> str:
    return "restart" if end is BootEnd.RESTARTED else "stop"


def _values(found: Standing, now: float) -> dict[str, Any]:
    seen = found.overview
    return {
        "waiting": seen.waiting,
        "waiting_seconds": _age(seen.waiting_since, now),
        "queues": [
            {
                "session": one.session_id,
                "account": one.address.account,
                "chat": one.address.chat,
                "thread": one.address.thread or None,
                "waiting": one.waiting,
                "oldest_at": time_text(one.oldest_at),
            }
            for one in seen.queues
        ],
        "pending_by_reason": dict(seen.pending_by_reason),
        "suspended": seen.suspended,
        "pending": [
            {
                "session": one.session_id,
                "account": one.address.account,
                "chat": one.address.chat,
                "thread": one.address.thread or None,
                "state": one.state,
                "reason": one.reason,
                "marked_at": time_text(one.marked_at),
                "age_seconds": _age(one.marked_at, now),
                "attempts": one.attempts,
            }
            for one in seen.pending
        ],
        "deliveries": dict(seen.deliveries),
        "owed_seconds": _age(seen.owed_since, now),
        "boots": [_boot_values(one) for one in found.restarts],
    }


def _boot_values(one: Restart) -> dict[str, Any]:
    return {
        "boot": one.boot.id,
        "pid": one.boot.pid,
        "started_at": time_text(one.boot.started_at),
        "seen_at": time_text(one.boot.seen_at),
        "end": one.end,
        "interrupted": one.interrupted,
        "continued": [
            {"turn": c.turn_id, "session": c.session_id, "by": c.by_turn, "mode": c.mode, "state": c.state}
            for c in one.cut
        ],
    }


def _age(since: float | None, now: float) -> float | None:
    return None if since is None else round(max(0.0, now - since), 3)
