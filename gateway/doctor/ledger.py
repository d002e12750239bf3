"""The ledger: can it be read, is it sound, and what is owed, held up or given up in it?"""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from gateway.doctor.context import Context
from gateway.model.finding import Finding, fine, problem, warning
from gateway.model.session import Reason
from gateway.policies import resume_policy
from gateway.rules.recovery import ResumePolicy, breaker_open
from gateway.rules.words import DAY, counted, lasting
from gateway.store.checkup import Checkup, Group, checkup

SAFE = (3, 51, 3)
"""The first SQLite in which two connections cannot spoil a write-ahead log that is being started anew."""

CHECK_SECONDS = 5.0
STUCK_SECONDS = 300.0
RECENT_SECONDS = 7 * DAY
OFTEN = 3
"""So many unclean ends in a day are worth a warning."""

LARGE_LOG = 64 * 1024 * 1024
_BROKEN = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT})


def library(context: Context) -> Iterator[Finding]:
    """SQLite is new enough."""
    if context.ledger is not None:
        yield judged_version(sqlite3.sqlite_version_info)


def judged_version(version: tuple[int, int, int]) -> Finding:
    """What this version of SQLite means."""
    name = ".".join(map(str, version))
    if version >= SAFE:
        return fine("SQLite", f"version {name}")
    found = f"version {name} has a rare error that can damage a ledger which two programs write at once"
    safe = ".".join(map(str, SAFE))
    return warning("SQLite", found, f"run Carryon with a Python that has SQLite {safe} or newer")


def ledger(context: Context) -> Iterator[Finding]:
    """The ledger itself, and what is in it."""
    path = context.ledger
    if path is None:
        return
    try:
        if not path.exists():
            yield fine("ledger", "there is none yet; the first start makes it")
            return
        if path.is_dir():
            advice = "move it away; an empty ledger is begun, or put a backup in its place"
            yield problem("ledger", f"{path} is a directory", advice)
            return
        found = checkup(path, CHECK_SECONDS)
    except OSError as error:
        yield problem("ledger", f"{path} cannot be looked at: {error.strerror}", "check its permissions")
        return
    except sqlite3.Error as error:
        yield _unreadable(path, error)
        return
    yield from sound(found)
    yield from _log(path)
    running = context.presence.running
    yield from deliveries(found.deliveries, context.now, running=running)
    yield from pending(found.pending, resume_policy(context.config), context.now, running=running)
    yield from suspended(found.suspended, context.now)
    crashes = found.crashes[1:] if running else found.crashes
    yield from crashed(crashes, resume_policy(context.config), context.now)


def _unreadable(path: Path, error: sqlite3.Error) -> Finding:
    code = getattr(error, "sqlite_errorcode", None)
    found = f"{path} cannot be read: {error}"
    if code is not None and code & 0xFF in _BROKEN:
        advice = "put a backup in its place, or move it away to begin with an empty ledger"
    elif code is not None and code & 0xFF == sqlite3.SQLITE_BUSY:
        return warning("ledger", found, "try again in a moment")
    else:
        advice = "check the permissions of the file and of those beside it (-wal, -shm), and the disk"
    return problem("ledger", found, advice)


def sound(found: Checkup) -> Iterator[Finding]:
    """Whether the database is whole, and of a version that is understood."""
    schema, known = found.schema, found.known
    if found.damage:
        more = "stop the gateway, keep a copy of the file, and put a backup in its place"
        yield problem("ledger", f"it is damaged: {'; '.join(found.damage)}", more)
    elif schema > known:
        advice = "install the newer Carryon again, or put the backup from before the upgrade in its place"
        yield problem(
            "ledger", f"a newer Carryon has written it (schema {schema}; this one knows {known})", advice
        )
    elif not found.complete:
        yield fine("ledger", f"no damage in what could be checked within {CHECK_SECONDS:g} s")
    elif schema < known:
        yield fine("ledger", f"an older Carryon has written it (schema {schema}); the next start upgrades it")
    else:
        yield fine("ledger", f"it is whole (schema {schema})")


def _log(path: Path) -> Iterator[Finding]:
    log = path.with_name(f"{path.name}-wal")
    try:
        size = log.stat().st_size
    except OSError:
        return
    if size > LARGE_LOG:
        found = f"its write-ahead log has grown to {size // 1_000_000:,} MB"
        advice = "look for a program that keeps the ledger open (a backup, a database browser), and end it"
        yield warning("ledger", found, advice)


def deliveries(groups: Sequence[Group], now: float, *, running: bool) -> Iterator[Finding]:
    """What has not reached its chat."""
    by_state = {group.name: group for group in groups}
    owed = [by_state[name] for name in ("pending", "sending", "unknown") if name in by_state]
    if owed:
        yield _owed(sum(one.count for one in owed), now - min(one.oldest for one in owed), running=running)
    if held := by_state.get("held"):
        found = f"{_messages(held.count)} may have arrived before a crash or a lost connection: to be decided"
        age = f", the oldest for {lasting(now - held.oldest)}"
        advice = "`carryon deliveries list` shows them; then `carryon deliveries retry ID` or `drop ID`"
        yield warning("deliveries", found + age, advice)
    if rejected := by_state.get("rejected"):
        last = now - rejected.latest
        found = f"{_messages(rejected.count)} had been refused by the platform, the last {lasting(last)} ago"
        advice = "`carryon deliveries list` says why; then `carryon deliveries retry ID` or `drop ID`"
        yield warning("deliveries", found, advice) if last < RECENT_SECONDS else fine("deliveries", found)


def _owed(count: int, age: float, *, running: bool) -> Finding:
    found = f"{_messages(count)} to chats still to be sent, the oldest for {lasting(age)}"
    if not running:
        return fine("deliveries", f"{found}; the next start sends them")
    if age < STUCK_SECONDS:
        return fine("deliveries", found)
    advice = "see whether its account is connected (`carryon status`), and `carryon deliveries list` for why"
    return warning("deliveries", found, advice)


def pending(groups: Sequence[Group], policy: ResumePolicy, now: float, *, running: bool) -> Iterator[Finding]:
    """What was interrupted and not gone on with yet."""
    for group in groups:
        unasked = policy.enabled and group.name in policy.reasons
        age = now - group.oldest if group.oldest else 0.0
        what = f"{counted(group.count, 'conversation')} interrupted ({group.name})"
        found = f"{what}, the oldest {lasting(age)} ago"
        if unasked and running and age > STUCK_SECONDS:
            advice = "`carryon sessions list` shows them; they go on with the next message, or with "
            yield warning("sessions", found, f"{advice}`carryon sessions resume ID`")
        elif unasked and not running:
            yield fine("sessions", f"{found}; `carryon recover --dry-run` says what the next start does")
        else:
            yield fine("sessions", found)


def suspended(groups: Sequence[Group], now: float) -> Iterator[Finding]:
    """What does not go on unless a person says so."""
    for group in groups:
        found = (
            f"{counted(group.count, 'conversation')} suspended ({group.name}), the oldest for "
            f"{lasting(now - group.oldest)}"
        )
        if group.name == Reason.MANUAL:
            yield fine("sessions", found)
        else:
            one = f"`carryon sessions show {group.example}` shows one"
            advice = f"{one}, `carryon sessions resume ID` lets it go on"
            yield warning("sessions", found, advice)


def crashed(starts: Sequence[float], policy: ResumePolicy, now: float) -> Iterator[Finding]:
    """How often the gateway ended without a clean stop."""
    day = [at for at in starts if now - DAY <= at <= now]
    if breaker_open(starts, policy, now):
        lately = sum(now - policy.breaker_window <= at <= now for at in starts)
        found = f"the gateway died {lately} times within {lasting(policy.breaker_window)}"
        advice = "its log says why; until it has calmed down, what was interrupted waits for the next message"
        yield problem("boots", found, advice)
    elif day:
        times = "once" if len(day) == 1 else f"{len(day)} times"
        found = f"the gateway ended {times} without a clean stop among the starts of the last day"
        advice = "its log says why; what was interrupted was gone on with"
        yield warning("boots", found, advice) if len(day) >= OFTEN else fine("boots", found)


def _messages(count: int) -> str:
    return counted(count, "message")
