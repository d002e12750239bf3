"""Who is let in, and to which conversation.

Nothing here is remembered: the same event and the same policy give the same decision, also after a restart.
"""

import math
import re
from dataclasses import dataclass
from enum import StrEnum

from gateway.model.address import Address, ChatKind
from gateway.model.message import Entry, Inbound, MessageKind, Origin, Refusal
from gateway.model.text import storable
from gateway.rules.access import AccessPolicy, permits

_SLASH_COMMAND = re.compile(r"/[A-Za-z][^\s/@]*(?:\s|\Z)")
"""An agent's slash command as written. `/etc/hosts` is none, nor is what names another bot."""


class Respond(StrEnum):
    """When the bot answers in groups."""

    MENTION = "mention"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class AdmissionPolicy:
    """`thread_scope`: in groups, a thread is one conversation; else, and without threads, each person.

    `renewing` are the commands that start a new conversation. What was read back and is older than
    `freshness`, in seconds, is too old to be answered.
    """

    access: AccessPolicy
    respond: Respond = Respond.MENTION
    thread_scope: bool = True
    commands: frozenset[str] = frozenset()
    max_queued: int = 50
    renewing: frozenset[str] = frozenset()
    freshness: float = math.inf


@dataclass(frozen=True, slots=True)
class Ignored:
    """Not meant for the bot. Nothing is stored and nobody is told."""

    reason: str


def admit(inbound: Inbound, account: str, policy: AdmissionPolicy, now: float) -> Entry | Refusal | Ignored:
    """Decide about one inbound event."""
    if why := _not_for_us(inbound, policy):
        return Ignored(why)
    address = _address(inbound, account, policy)
    too_old = inbound.backfilled and now - inbound.sent_at > policy.freshness
    if not permits(policy.access, account, inbound.author_id):
        return _refuse(inbound, address, told=not too_old)
    if inbound.button:
        return _pressed(inbound, address, policy)
    command = inbound.command.lower() if inbound.command.lower() in policy.commands else ""
    text = storable(inbound.text)
    if inbound.command and not command:
        text = f"/{storable(inbound.command)} {text}".strip()
    slash = bool(inbound.command) or _SLASH_COMMAND.match(text) is not None
    if inbound.chat_kind is ChatKind.GROUP and not slash:
        # Not before a slash: behind an author's name an agent's command would be a mere sentence.
        text = f"{storable(inbound.author_name)}: {text}"
    origin = Origin(inbound.chat_kind, inbound.author_id, inbound.author_name, inbound.message_ref)
    kind = MessageKind.COMMAND if command else MessageKind.USER
    renews = command in policy.renewing
    return Entry(inbound.event_id, address, origin, kind, text, command, policy.max_queued, renews, too_old)


def _pressed(inbound: Inbound, address: Address, policy: AdmissionPolicy) -> Entry:
    origin = Origin(inbound.chat_kind, inbound.author_id, inbound.author_name, inbound.message_ref)
    data = storable(inbound.button)
    return Entry(inbound.event_id, address, origin, MessageKind.BUTTON, data, "", policy.max_queued)


def _not_for_us(inbound: Inbound, policy: AdmissionPolicy) -> str | None:
    if inbound.from_bot:
        return "written by a bot"
    if inbound.button:
        return None
    if not inbound.text.strip() and not inbound.command:
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


def _refuse(inbound: Inbound, address: Address, *, told: bool) -> Refusal:
    person = f"{address.account}:{inbound.author_id}"
    reason = f"{person} is not allowed"
    if inbound.chat_kind is ChatKind.GROUP or inbound.button or not told:
        return Refusal(inbound.event_id, address, reason)
    notice = (
        "This bot answers only people it knows. "
        f"If you should be one of them, give its owner this id: {person} (it goes into access.allow)."
    )
    return Refusal(inbound.event_id, address, reason, notice, f"refused:{person}")
