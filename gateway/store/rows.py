"""Rows of the ledger as values, and back. Column lists stand beside the functions that unpack them."""

import json
from dataclasses import astuple
from typing import Any

from gateway.model.address import Address, ChatKind, Route
from gateway.model.agent import ToolUpdate
from gateway.model.attachment import Attachment, AttachmentKind, AttachmentState, OutFile, StoredAttachment
from gateway.model.boot import Boot, BootState
from gateway.model.choices import Chosen, Settings
from gateway.model.delivery import GIVEN_UP, Button, Delivery, DeliveryKind, DeliveryState
from gateway.model.message import Message, MessageKind, MessageState, Origin
from gateway.model.permission import (
    Approval,
    ApprovalState,
    OptionKind,
    PermissionOption,
    PermissionRequest,
)
from gateway.model.session import ResumeMode, Session, SessionState
from gateway.model.turn import Step, StepKind, StepStatus, TurnRecord, TurnState
from gateway.model.usage import Usage

Row = tuple[Any, ...]

SESSION = (
    "id, account, chat, thread, person, generation, state, created_at, updated_at, reason, resume_turn_id, "
    "resume_marked_at, resume_attempts, agent, agent_session_id, cwd, origin, last_mode, title, "
    "chosen_agent, chosen_mode, chosen_options"
)


_SESSION_STATES = {state.value: state for state in SessionState}


def session_state(text: str) -> SessionState:
    """A state that this version does not know is none that it may work in."""
    return _SESSION_STATES.get(text, SessionState.SUSPENDED)


def session_of(row: Row) -> Session:
    """A row of `SESSION` columns."""
    ident, account, chat, thread, person, generation, state, created, updated, *rest = row
    reason, turn, marked, attempts, agent, agent_session, cwd, origin, mode, title, *chosen = rest
    return Session(
        ident,
        Address(account, chat, thread, person),
        generation,
        session_state(state),
        created,
        updated,
        reason,
        turn,
        marked,
        attempts,
        agent,
        agent_session,
        cwd,
        origin_of(origin) if origin else None,
        ResumeMode(mode) if mode else None,
        title,
        chosen_of(*chosen),
    )


def chosen_of(agent: str | None, mode: str | None, options: str | None) -> Chosen:
    """What was chosen, as it is stored."""
    pairs = tuple((ident, value) for ident, value in json.loads(options)) if options else ()
    return Chosen(agent, Settings(mode, pairs))


def chosen_values(chosen: Chosen) -> tuple[str | None, str | None, str | None]:
    """What was chosen, as it is stored; nothing where nothing was."""
    options = chosen.settings.options
    return chosen.agent, chosen.settings.mode, json.dumps(options) if options else None


MESSAGE = "id, session_id, event_id, kind, state, text, origin, received_at, turn_id"


def message_of(row: Row) -> Message:
    """A row of `MESSAGE` columns."""
    ident, session, event, kind, state, text, origin, received, turn = row
    return Message(
        ident,
        session,
        event,
        MessageKind(kind),
        MessageState(state),
        text,
        origin_of(origin),
        received,
        turn,
    )


TURN = (
    "id, session_id, boot_id, state, started_at, ended_at, reason, resume_mode, mode_reason, stop_reason, "
    "text, resumes_turn_id, usage"
)


def turn_of(row: Row) -> TurnRecord:
    """A row of `TURN` columns."""
    ident, session, boot, state, started, ended, reason, mode, why, stop, text, resumes, usage = row
    return TurnRecord(
        ident,
        session,
        boot,
        TurnState(state),
        started,
        ended,
        reason,
        ResumeMode(mode) if mode else None,
        why,
        stop,
        text,
        resumes,
        usage_of(usage),
    )


STEP = "seq, kind, status, title, tool_call_id, tool_kind, text"


def step_of(row: Row) -> Step:
    """A row of `STEP` columns."""
    seq, kind, status, title, call, tool_kind, text = row
    return Step(seq, StepKind(kind), StepStatus(status), title, call, tool_kind, text)


DELIVERY = (
    "id, account, chat, thread, kind, body, state, key, attempt, doubtful, reply_to, turn_id, session_id, "
    "platform_message_id, error, edits, claimed_at, buttons, file"
)
TROUBLE = (
    "state IN ('pending', 'sending', 'unknown', 'held', 'rejected') "
    # The opening of an answer that was given up is nobody's business: the answer itself came. Nor is what a
    # person has decided to drop.
    f"AND NOT (state = 'rejected' AND (kind IN ('stream', 'receipt') OR coalesce(error, '') = '{GIVEN_UP}'))"
)
"""Deliveries that a person may have to know of: what is counted anywhere is what is listed."""


def delivery_of(row: Row) -> Delivery:
    """A row of `DELIVERY` columns."""
    (
        ident,
        account,
        chat,
        thread,
        kind,
        body,
        state,
        key,
        attempt,
        doubtful,
        *rest,
        edits,
        claimed,
        buttons,
        file,
    ) = row
    return Delivery(
        ident,
        Route(account, chat, thread),
        DeliveryKind(kind),
        body,
        DeliveryState(state),
        key,
        attempt,
        bool(doubtful),
        *rest,
        buttons=buttons_of(buttons) if buttons else (),
        edits=edits,
        claimed_at=claimed,
        file=file_of(file) if file else None,
    )


APPROVAL = "id, session_id, turn_id, request, state, delivery_id, created_at, option_id, decided_by"


def approval_of(row: Row) -> Approval:
    """A row of `APPROVAL` columns."""
    ident, session, turn, request, state, delivery, created, option, person = row
    return Approval(
        ident, session, turn, request_of(request), ApprovalState(state), delivery, created, option, person
    )


def request_of(text: str) -> PermissionRequest:
    """A request for permission as it is stored."""
    (call, title, kind), options = json.loads(text)
    offered = (PermissionOption(ident, name, OptionKind(sort)) for ident, name, sort in options)
    return PermissionRequest(ToolUpdate(call, title, kind), tuple(offered))


def request_text(request: PermissionRequest) -> str:
    """A request for permission as it is stored: the tool's own text is in the question."""
    tool = request.tool
    options = [[option.id, option.name, option.kind] for option in request.options]
    return json.dumps([[tool.tool_call_id, tool.title, tool.tool_kind], options])


BOOT = "id, replica, pid, state, started_at, seen_at, stopped_at, intent"


def boot_of(row: Row) -> Boot:
    """A row of `BOOT` columns."""
    ident, replica, pid, state, started, seen, stopped, intent = row
    return Boot(ident, replica, pid, BootState(state), started, seen, stopped, intent)


ATTACHMENT = "id, message_id, account, ref, given_name, mime, size, kind, name, state, error"


def attachment_of(row: Row) -> StoredAttachment:
    """A row of `ATTACHMENT` columns."""
    ident, message, account, ref, given, mime, size, kind, name, state, error = row
    found = Attachment(ref, given, mime, size, AttachmentKind(kind))
    return StoredAttachment(ident, message, account, found, name, AttachmentState(state), error)


def file_of(text: str) -> OutFile:
    """A file that is owed, as it is stored."""
    return OutFile(*json.loads(text))


def file_text(file: OutFile | None) -> str:
    """A file that is owed, as it is stored; nothing where there is none."""
    return json.dumps([file.path, file.name, file.mime, file.size]) if file else ""


def usage_of(text: str | None) -> Usage | None:
    """What a turn cost, as it is stored."""
    return Usage(*json.loads(text)) if text else None


def usage_text(usage: Usage | None) -> str | None:
    """What a turn cost, as it is stored."""
    return json.dumps(astuple(usage)) if usage else None


def buttons_of(text: str) -> tuple[Button, ...]:
    """Buttons as they are stored."""
    return tuple(Button(label, data) for label, data in json.loads(text))


def buttons_text(buttons: tuple[Button, ...]) -> str:
    """Buttons as they are stored; nothing where there are none."""
    return json.dumps([[button.label, button.data] for button in buttons]) if buttons else ""


def origin_of(text: str) -> Origin:
    """An origin as it is stored."""
    kind, author, name, ref = json.loads(text)
    return Origin(ChatKind(kind), author, name, ref)


def origin_text(origin: Origin) -> str:
    """An origin as it is stored: a list, because a million rows repeat no field names."""
    return json.dumps([origin.chat_kind, origin.author_id, origin.author_name, origin.message_ref])
