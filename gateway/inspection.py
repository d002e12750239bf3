"""What read commands print: plain tables for people, JSON for programs."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from adapters.registry import manifest
from gateway.config.models import Config
from gateway.errors import CarryonError
from gateway.model.address import Address
from gateway.model.delivery import Delivery, DeliveryState
from gateway.model.recovery import Candidate, Decision, Verdict
from gateway.model.session import Reason, Session, SessionState
from gateway.model.turn import TurnRecord
from gateway.policies import access_policy, ledger_place, resume_policy
from gateway.rules.access import AccessPolicy, with_grants
from gateway.rules.pairing import spelled
from gateway.rules.recovery import breaker_open, recover, screen
from gateway.rules.words import cut, printable
from gateway.store import grants, library, queue
from gateway.store.place import reading, rehearse

HIGHEST_ID = 2**63 - 1  # what fits into the ledger
_ID_TAIL = 8  # of an agent's session id: whoever knows the whole can load the conversation


def sessions_list(config: Config, limit: int, *, as_json: bool) -> str:
    """The sessions that were used last."""
    with reading(ledger_place(config)) as raw:
        found = library.sessions(raw, limit)
    if as_json:
        return json_text([_session_values(session) for session in found])
    if not found:
        return "No conversations yet."
    rows = [
        (
            str(s.id),
            s.address.account,
            place(s.address),
            s.state,
            s.reason or "",
            _mode(s),
            time_text(s.updated_at),
            s.title,
        )
        for s in found
    ]
    return _table(("id", "account", "chat", "state", "reason", "continued", "last used", "title"), rows)


def session_show(config: Config, session_id: int, *, as_json: bool) -> str:
    """One session with its turns. Raises `CarryonError` where there is none with this id."""
    with reading(ledger_place(config)) as raw:
        session = library.session(raw, session_id) if abs(session_id) <= HIGHEST_ID else None
        turns = library.turns(raw, session.id) if session else ()
        messages = library.messages(raw, session.id) if session else ()
    if session is None:
        raise CarryonError(f"there is no session {session_id}; `carryon sessions list` shows those there are")
    waiting = sum(message.state == "waiting" for message in messages)
    values = _session_values(session) | {"waiting": waiting}
    if as_json:
        return json_text(values | {"turns": [_turn_values(turn) for turn in turns]})
    head = "\n".join(
        f"{key.replace('_', ' ')}: {printable(str(value))}"
        for key, value in values.items()
        if value is not None
    )
    rows = [
        (
            str(t.id),
            t.state,
            t.reason or "",
            t.resume_mode or "",
            t.mode_reason or "",
            str(t.resumes_turn_id or ""),
            time_text(t.started_at),
            _took(t),
            " ".join(t.text.split()),
        )
        for t in turns
    ]
    columns = ("turn", "state", "reason", "mode", "why", "resumes", "started", "took", "answer")
    return f"{head}\n\n{_table(columns, rows)}"


def deliveries_list(config: Config, limit: int, *, as_json: bool) -> str:
    """What is owed, held or was refused."""
    with reading(ledger_place(config)) as raw:
        found = library.deliveries(raw, limit)
    if as_json:
        return json_text(
            [
                {
                    "id": d.id,
                    "account": d.route.account,
                    "chat": d.route.chat,
                    "session": d.session_id,
                    "turn": d.turn_id,
                    "state": d.state,
                    "attempt": d.attempt,
                    "possible_repeat": d.doubtful,
                    "error": d.error,
                    "text": d.body,
                }
                for d in found
            ]
        )
    if not found:
        return "Nothing is owed, held or refused."
    rows = [
        (
            str(d.id),
            d.route.account,
            d.route.chat,
            str(d.session_id or ""),
            d.state,
            str(d.attempt),
            d.error or "",
            d.body,
        )
        for d in found
    ]
    return _table(("id", "account", "chat", "session", "state", "attempts", "why", "text"), rows)


def recovery(config: Config, now: float, *, as_json: bool) -> str:
    """What the next start would do, from the ledger alone."""
    found = rehearse(ledger_place(config), tuple(config.accounts), now)
    policy = resume_policy(config)
    tripped = breaker_open(found.opening.crashes, policy, now)
    candidates, access = _screened(config, found.candidates)
    decisions = [
        recover(c, policy, access, now, tripped=tripped, screened=True)
        if c.session.address.account in config.accounts
        else Decision(c, Verdict.SKIP, f"there is no account {c.session.address.account} in the config")
        for c in candidates
    ]
    decisions += [_left_alone(session) for session in found.left]
    decisions.sort(key=lambda decision: decision.candidate.session.id)
    if as_json:
        return json_text(
            {
                "interrupted_turns": found.opening.interrupted_turns,
                "breaker_open": tripped,
                "sessions": [_decision_values(decision) for decision in decisions],
                "deliveries": [
                    {"id": d.id, "account": d.route.account, "chat": d.route.chat, "state": d.state}
                    for d in found.owed
                ],
            }
        )
    lines = [f"Turns that the last boot left running: {found.opening.interrupted_turns}"]
    if tripped:
        lines.append("The gateway crashed too often lately: nothing would be resumed without being asked.")
    if decisions:
        rows = [
            (str(s.id), s.address.account, place(s.address), d.verdict, d.why)
            for d in decisions
            for s in (d.candidate.session,)
        ]
        lines += ["", _table(("session", "account", "chat", "would", "why"), rows)]
    if found.owed:
        rows = [(str(d.id), d.route.account, d.route.chat, _sending(d, config), d.body) for d in found.owed]
        lines += ["", _table(("delivery", "account", "chat", "would be", "text"), rows)]
    if not decisions and not found.owed:
        lines.append("Nothing is owed: the next start would answer nobody.")
    return "\n".join(lines)


def _left_alone(session: Session) -> Decision:
    """Why nothing happens at a start to a conversation that was interrupted."""
    paused = session.state is SessionState.SUSPENDED
    why = f"suspended ({session.reason})" if paused else "a newer conversation took its place"
    return Decision(Candidate(session, 0, scheduled=False), Verdict.SKIP, why)


def _screened(config: Config, found: Sequence[Candidate]) -> tuple[tuple[Candidate, ...], AccessPolicy]:
    """What a start would look at, without what people have waiting who may not use the bot any more."""
    with reading(ledger_place(config)) as raw:
        access = with_grants(access_policy(config), grants.grants(raw))
        screened = tuple(screen(one, queue.queue(raw, one.session.id), access) for one in found)
    return screened, access


def people(config: Config, now: float, *, as_json: bool) -> str:
    """Who asks to be let in, and who was let in by a person."""
    with reading(ledger_place(config)) as raw:
        asking, granted = grants.pairings(raw, now), grants.grants(raw)
    if as_json:
        return json_text(
            {
                "asking": [
                    {
                        "code": spelled(one.code),
                        "account": one.account,
                        "person": one.person,
                        "name": one.name,
                        "expires_at": time_text(one.expires_at),
                    }
                    for one in asking
                ],
                "granted": [
                    {
                        "account": one.account,
                        "person": one.person,
                        "name": one.name,
                        "role": one.role,
                        "by": one.by,
                        "at": time_text(one.at),
                    }
                    for one in granted
                ],
            }
        )
    lines: list[str] = []
    if asking:
        rows = [(spelled(p.code), f"{p.account}:{p.person}", p.name, time_text(p.expires_at)) for p in asking]
        lines.append(_table(("code", "who asks", "name", "valid until (UTC)"), rows))
    if granted:
        rows = [(f"{g.account}:{g.person}", g.name, g.role, g.by, time_text(g.at)) for g in granted]
        lines.append(_table(("let in", "name", "role", "by", "at (UTC)"), rows))
    return "\n\n".join(lines) or "Nobody asks to be let in, and nobody was."


def _sending(delivery: Delivery, config: Config) -> str:
    if delivery.edits is not None:
        return "put into the message that it completes"
    if delivery.state is not DeliveryState.UNKNOWN:
        return "sent"
    if manifest(config.accounts[delivery.route.account].platform).readable:
        return "looked for, and sent unless it is there"
    return "sent, labelled as a possible repeat" if config.delivery.on_unknown == "label" else "held"


def _session_values(session: Session) -> dict[str, Any]:
    return {
        "id": session.id,
        "account": session.address.account,
        "chat": session.address.chat,
        "thread": session.address.thread or None,
        "user": session.address.user or None,
        "generation": session.generation,
        "state": session.state,
        "reason": session.reason,
        "resume_attempts": session.resume_attempts,
        "marked_at": time_text(session.resume_marked_at),
        "agent": session.agent,
        "agent_session": f"…{session.agent_session_id[-_ID_TAIL:]}" if session.agent_session_id else None,
        "continued": session.last_mode,
        "title": session.title or None,
        "created_at": time_text(session.created_at),
        "updated_at": time_text(session.updated_at),
    }


def _turn_values(turn: TurnRecord) -> dict[str, Any]:
    return {
        "id": turn.id,
        "boot": turn.boot_id,
        "state": turn.state,
        "reason": turn.reason,
        "mode": turn.resume_mode,
        "mode_reason": turn.mode_reason,
        "resumes_turn": turn.resumes_turn_id,
        "started_at": time_text(turn.started_at),
        "ended_at": time_text(turn.ended_at),
        "stop_reason": turn.stop_reason,
        "text": turn.text,
    }


def _decision_values(decision: Decision) -> dict[str, Any]:
    session = decision.candidate.session
    return {
        "session": session.id,
        "account": session.address.account,
        "chat": session.address.chat,
        "state": session.state,
        "reason": session.reason,
        "verdict": decision.verdict,
        "why": decision.why,
    }


def _took(turn: TurnRecord) -> str:
    """How long a turn took. The end of one that a crash cut off is when its boot was last seen alive."""
    if turn.ended_at is None:
        return ""
    seconds = turn.ended_at - turn.started_at
    if turn.reason != Reason.RESTART_INTERRUPTED:
        return f"{seconds:.1f} s"
    return f"at least {int(seconds)} s" if seconds >= 1 else "unknown"


def place(address: Address) -> str:
    """Chat, thread and person of an address, as far as it has them."""
    return "/".join(part for part in (address.chat, address.thread, address.user) if part)


def _mode(session: Session) -> str:
    return session.last_mode or ""


def time_text(at: float | None) -> str | None:
    """A time in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S") if at is not None else None


def json_text(value: object) -> str:
    """JSON as every command prints it."""
    return json.dumps(value, indent=2, ensure_ascii=False)


_WIDEST = 48


def _table(head: Sequence[str], rows: Sequence[Sequence[str | None]]) -> str:
    """Columns as wide as their content, up to a limit; long values are cut."""
    cells = [[cut(printable(value or ""), _WIDEST) for value in row] for row in rows]
    widths = [max(len(title), *(len(row[i]) for row in cells)) for i, title in enumerate(head)]
    lines = [head, ["-" * width for width in widths], *cells]
    return "\n".join(
        "  ".join(v.ljust(w) for v, w in zip(line, widths, strict=True)).rstrip() for line in lines
    )
