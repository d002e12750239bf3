"""Finding out what became of a send in doubt: the channel or thread is read back for the delivery's key.

The opening of a stream bears no key (Slack takes no metadata there). But deliveries of a route follow each
other, everything else that the bot sends bears a key from the start, and a finished stream gets one with its
end; so a message of the bot's without a key, after the last one that is known, is that opening.

A file bears no key either; it is known by its name and its size.

A request that Slack was still carrying out when the sender died may take effect a moment later. So it is
looked for again until some time has passed since it was made, and only then is it absent.
"""

from typing import Any, cast

from adapters.slack.client import CallError, Client, LimitError, RefusedError
from adapters.slack.identity import identify
from adapters.slack.intake import later, stamp
from adapters.slack.message import EVENT_TYPE, body
from adapters.slack.outcomes import GONE, outcome, retry_seconds
from adapters.slack.payload import Payload, parts_of
from adapters.slack.reader import PAGE, following, items
from adapters.slack.upload import shown_as
from gateway.model.attachment import OutFile
from gateway.model.delivery import (
    Absent,
    Delivered,
    Delivery,
    DeliveryKind,
    Reconciled,
    Rejected,
    RetryAfter,
    Unknown,
)
from gateway.ports import Clock

SETTLED_SECONDS = 2.0
"""How long after it was made a request may still take effect."""

SETTLED_FILE_SECONDS = 20.0
"""The same for a file, which Slack looks through before it shows it."""

LOOK_SECONDS = 5.0
"""How long it is waited at most before looking again."""

MARGIN_SECONDS = 600.0
"""How far two clocks may differ."""

PAGES = 25

_FAR = "9999999999.000000"
_GONE = frozenset({*GONE, "thread_not_found"})


async def reconcile(client: Client, clock: Clock, delivery: Delivery, after: str | None) -> Reconciled:
    """What became of it."""
    claimed = clock.now() if delivery.claimed_at is None else delivery.claimed_at
    settled = claimed + (SETTLED_SECONDS if delivery.file is None else SETTLED_FILE_SECONDS)
    if delivery.kind is DeliveryKind.RECEIPT:
        return Absent()  # given twice, it is the same as given once
    try:
        me = await _who(client, delivery)
        if after:
            after = await shown_as(client, after, delivery.route.chat)
        while True:
            looked_at = clock.now()
            found = await _look(client, delivery, after, claimed, me)
            if found is None:
                return Unknown("too much has been written there since")
            if found:
                return Delivered(found)
            if looked_at >= settled:
                return Absent()
            await clock.sleep(min(settled - looked_at, LOOK_SECONDS))
    except LimitError as error:
        return RetryAfter(error.seconds, "Slack asks to slow down")
    except RefusedError as error:
        if error.word in _GONE:
            return outcome(error, delivery.attempt) if error.word in GONE else Rejected("the thread is gone")
        if error.word == "missing_scope":
            return Unknown(f"the app lacks the scope {error.needed} to look for it")
        return RetryAfter(retry_seconds(16), f"Slack does not let it be looked for: {error.word}")
    except CallError as error:
        return RetryAfter(retry_seconds(delivery.attempt), f"it could not be looked for: {error}")


async def _who(client: Client, delivery: Delivery) -> str:
    """The bot's user, where a message has to be known by its author; else nobody."""
    growing = delivery.kind is DeliveryKind.STREAM and delivery.route.thread
    if delivery.file is None and not growing:
        return ""
    return (await identify(client)).me.user_id


async def _look(client: Client, delivery: Delivery, after: str | None, claimed: float, me: str) -> str | None:
    """The ts of the message; empty when it is not there, None when that cannot be said."""
    oldest = stamp(claimed - MARGIN_SECONDS)
    if after and later(after, oldest):
        oldest = after
    route = delivery.route
    where: dict[str, object] = {"channel": route.chat, "oldest": oldest, "include_all_metadata": True}
    method = "conversations.history"
    if route.thread:
        method = "conversations.replies"
        where["ts"] = route.thread
    else:
        where["latest"] = _FAR  # naming an end makes Slack begin there, with the newest
    cursor: str | None = None
    for _ in range(PAGES):
        answer = await client.read(method, cursor=cursor, limit=PAGE, **where)
        for fields in items(answer, "messages"):
            if fields.get("ts") != route.thread and _is_it(fields, delivery, oldest, me):
                return str(fields["ts"])
        cursor = following(answer)
        if not cursor:
            return ""
    return None


def _is_it(fields: dict[str, Any], delivery: Delivery, oldest: str, me: str) -> bool:
    key = _key(fields)
    if key is not None:
        return key == delivery.key
    if not me or fields.get("user") != me or not later(str(fields.get("ts") or 0), oldest):
        return False
    files = parts_of(fields, "files")
    if delivery.file is not None:
        return any(_same(one, delivery.file) for one in files)
    return not files and _opens(fields, delivery)


def _same(file: Payload, wanted: OutFile) -> bool:
    return file.get("size") == wanted.size and wanted.name in (file.get("name"), file.get("title"))


def _opens(fields: dict[str, Any], delivery: Delivery) -> bool:
    return "streaming_state" in fields or _letters(str(fields.get("text"))) == _letters(body(delivery))


def _key(fields: dict[str, Any]) -> str | None:
    """The key that a message bears, whosesoever; None when it bears none."""
    found = fields.get("metadata")
    about = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    payload = about.get("event_payload")
    if about.get("event_type") != EVENT_TYPE or not isinstance(payload, dict):
        return None
    key = cast("dict[str, Any]", payload).get("key")
    return key if isinstance(key, str) else None


def _letters(text: str) -> str:
    """What is left of a text when Slack has read it as Markdown."""
    return "".join(one for one in text if one.isalnum())
