"""Who is let in, and to which conversation.

Nothing here is remembered: the same event and the same policy give the same decision, also after a restart.
"""

import math
import re
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.model.address import Address, ChatKind
from gateway.model.message import Amendment, Change, Entry, Inbound, MessageKind, Origin, Refusal
from gateway.model.text import storable
from gateway.rules.access import AccessPolicy, permits

_SLASH_COMMAND = re.compile(r"/[A-Za-z][^\s/@]*(?:\s|\Z)")
"""An agent's slash command as written. `/etc/hosts` is none, nor is what names another bot."""


NO_FILES = "Files are not taken here. Please put it into words."


class Respond(StrEnum):
    """When the bot answers in groups."""

    MENTION = "mention"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class AdmissionPolicy:
    """`thread_scope`: in groups, a thread is one conversation; else, and without threads, each person.

    `renewing` are the commands that start a new conversation. What was read back and is older than
    `freshness`, in seconds, is too old to be answered. `receive_files`: files that people send are taken.
    `receipts`: what people write is owed a sign that it was accepted. What was read back and was written
    before `not_before`, in seconds since the epoch, is too old, however fresh.
    """

    access: AccessPolicy
    respond: Respond = Respond.MENTION
    thread_scope: bool = True
    commands: frozenset[str] = frozenset()
    max_queued: int = 50
    renewing: frozenset[str] = frozenset()
    freshness: float = math.inf
    receive_files: bool = True
    receipts: bool = False
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class Ignored:
    """Not meant for the bot. Nothing is stored and nobody is told."""

    reason: str


Decision = Entry | Refusal | Amendment | Ignored


def admit(inbound: Inbound, account: str, policy: AdmissionPolicy, now: float) -> Decision:
    """Decide about one inbound event."""
    if inbound.change is not Change.NEW:
        return _amend(inbound, account, policy)
    if why := _not_for_us(inbound, policy):
        return Ignored(why)
    address = _address(inbound, account, policy)
    too_old = inbound.backfilled and inbound.sent_at < max(now - policy.freshness, policy.not_before)
    if not permits(policy.access, account, inbound.author_id):
        return _refuse(inbound, address, policy.access, told=not too_old)
    if inbound.button:
        return _pressed(inbound, address, policy)
    command = _command(inbound, policy)
    origin = Origin(inbound.chat_kind, inbound.author_id, inbound.author_name, inbound.message_ref)
    kind = MessageKind.COMMAND if command else MessageKind.USER
    entry = Entry(
        inbound.event_id,
        address,
        origin,
        kind,
        _text(inbound, command),
        command,
        policy.max_queued,
        renews=command in policy.renewing,
        too_old=too_old,
    )
    if command in policy.renewing:
        return _as_first_request(entry, inbound, policy)
    return entry if command else _as_message(entry, inbound, policy)


def _as_first_request(entry: Entry, inbound: Inbound, policy: AdmissionPolicy) -> Entry:
    """A command that begins a conversation: what comes with it is the first request there."""
    text = entry.text
    if text and inbound.chat_kind is ChatKind.GROUP and not text.startswith("/"):
        text = f"{storable(inbound.author_name)}: {text}"  # as everything that is said in groups
    return replace(entry, text=text, attachments=inbound.attachments if policy.receive_files else ())


def _as_message(entry: Entry, inbound: Inbound, policy: AdmissionPolicy) -> Entry:
    """What a message has and a command has not: its files, and the sign that it was accepted."""
    if policy.receive_files:
        entry = replace(entry, attachments=inbound.attachments)
    elif inbound.attachments and not inbound.text.strip() and not inbound.command:
        key = f"no-files:{entry.address.account}:{inbound.author_id}"
        return replace(entry, refused=NO_FILES, refused_key=key)
    return replace(entry, receipt=policy.receipts and bool(inbound.message_ref))


def _command(inbound: Inbound, policy: AdmissionPolicy) -> str:
    """The gateway's own command that it is, if any."""
    return inbound.command.lower() if inbound.command.lower() in policy.commands else ""


def _text(inbound: Inbound, command: str) -> str:
    text = storable(inbound.text)
    if inbound.command and not command:
        text = f"/{storable(inbound.command)} {text}".strip()
    slash = bool(inbound.command) or _SLASH_COMMAND.match(text) is not None
    if inbound.chat_kind is ChatKind.GROUP and not slash:
        # Not before a slash: behind an author's name an agent's command would be a mere sentence.
        text = f"{storable(inbound.author_name)}: {text}".rstrip()
    return text


def _amend(inbound: Inbound, account: str, policy: AdmissionPolicy) -> Amendment | Ignored:
    """A message was changed or taken back. It need not name the bot: only one that was let in waits."""
    if not inbound.message_ref:
        return Ignored("changes nobody knows what")
    if inbound.author_id and not permits(policy.access, account, inbound.author_id):
        return Ignored("changed by somebody who is not allowed")
    if inbound.change is Change.DELETED:
        return Amendment(account, inbound.chat, inbound.message_ref, inbound.author_id, None)
    if inbound.from_bot or not inbound.author_id:
        return Ignored("not changed by a person")
    if _command(inbound, policy):
        # It was a message when it came, and may be at work already: nobody expects it to act now.
        return Ignored("changed into a command")
    if not inbound.text.strip() and not inbound.command and not inbound.attachments:
        return Ignored("nothing is left in it")
    return Amendment(account, inbound.chat, inbound.message_ref, inbound.author_id, _text(inbound, ""))


def _pressed(inbound: Inbound, address: Address, policy: AdmissionPolicy) -> Entry:
    origin = Origin(inbound.chat_kind, inbound.author_id, inbound.author_name, inbound.message_ref)
    data = storable(inbound.button)
    return Entry(inbound.event_id, address, origin, MessageKind.BUTTON, data, "", policy.max_queued)


def _not_for_us(inbound: Inbound, policy: AdmissionPolicy) -> str | None:
    if inbound.from_bot:
        return "written by a bot"
    if inbound.button:
        return None
    if not inbound.text.strip() and not inbound.command and not inbound.attachments:
        return "nothing in it"
    if inbound.chat_kind is ChatKind.GROUP:
        if policy.respond is Respond.NEVER:
            return "groups are not answered"
        if policy.respond is Respond.MENTION and not inbound.to_bot:
            return "does not mention the bot"
    return None


def _address(inbound: Inbound, account: str, policy: AdmissionPolicy) -> Address:
    if inbound.chat_kind is ChatKind.DIRECT:
        return Address(account, inbound.chat, inbound.thread)
    if policy.thread_scope and inbound.thread:
        return Address(account, inbound.chat, inbound.thread)
    return Address(account, inbound.chat, inbound.thread, inbound.author_id)


def _refuse(inbound: Inbound, address: Address, access: AccessPolicy, *, told: bool) -> Refusal:
    person = f"{address.account}:{inbound.author_id}"
    reason = f"{person} is not allowed"
    if inbound.chat_kind is ChatKind.GROUP or inbound.button or not told:
        return Refusal(inbound.event_id, address, reason)
    if access.pairing:
        name = inbound.author_name
        return Refusal(inbound.event_id, address, reason, pairing=True, person=inbound.author_id, name=name)
    notice = (
        "This bot answers only people it knows. "
        f"If you should be one of them, give its owner this id: {person} (it goes into access.allow)."
    )
    return Refusal(inbound.event_id, address, reason, notice, f"refused:{person}")
