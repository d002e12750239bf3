"""A delivery becomes a request. Pure.

What the bot says is Markdown, which Slack renders itself. Buttons need blocks, and blocks exclude the plain
way, so then the text is a block too, and its beginning stands in for it in notifications. A text whose markup
Slack refuses is shown as it is.

The key rides in the message's metadata: that is how a message is found again whose sending was in doubt.
"""

from typing import Any

from adapters.labels import REPEAT_LABEL
from adapters.slack.markup import escaped
from adapters.slack.render import render
from gateway.model.delivery import Button, Delivery

EVENT_TYPE = "carryon_delivery"

NOTHING_YET = "…"
"""Stands in a message that has to be there before it has words."""

_NOTIFICATION = 150  # characters
_LABEL = 75  # characters that a button shows
_SECTION = 2_900  # characters of a block of plain text, of which Slack takes 3,000
_MARKDOWN = 12_000  # characters of Markdown that Slack takes


def words(delivery: Delivery) -> str:
    """The text of a delivery, which says of itself if it may be a repeat."""
    return REPEAT_LABEL + delivery.body if delivery.doubtful else delivery.body


def body(delivery: Delivery) -> str:
    """The same as Slack is given it."""
    return render(words(delivery))


def fits(text: str) -> bool:
    """Whether a text is one message, also as a repeat."""
    return len(render(REPEAT_LABEL + text).encode("utf-16-le", "replace")) // 2 <= _MARKDOWN


def with_progress(text: str, progress: str) -> str:
    """A growing answer with what the agent is doing below it: never within a block of code that is open."""
    if not progress:
        return text
    both = f"{render(text)}\n\n{progress}" if text else progress
    return both if fits(both) else text


def content(markdown: str, buttons: tuple[Button, ...]) -> dict[str, Any]:
    """The arguments of a call that say what a message reads."""
    if not buttons:
        return {"markdown_text": markdown or NOTHING_YET}
    return {
        "text": escaped(markdown[:_NOTIFICATION]),
        "blocks": [{"type": "markdown", "text": markdown or NOTHING_YET}, _actions(buttons)],
    }


def plain_content(text: str, buttons: tuple[Button, ...], *, new: bool) -> dict[str, Any]:
    """The same for a text whose markup Slack refuses.

    A change of a message takes but a short text, so there it stands in blocks.
    """
    if new and not buttons:
        return {"text": escaped(text), "mrkdwn": False}
    pieces = [text[at : at + _SECTION] for at in range(0, len(text), _SECTION)] or [NOTHING_YET]
    sections = [{"type": "section", "text": _plain(one)} for one in pieces]
    return {
        "text": escaped(text[:_NOTIFICATION]),
        "blocks": [*sections, *([_actions(buttons)] if buttons else [])],
    }


def metadata(key: str) -> dict[str, Any]:
    """What marks a message as this delivery's."""
    return {"event_type": EVENT_TYPE, "event_payload": {"key": key}}


def posting(delivery: Delivery, *, plain: bool = False) -> dict[str, Any]:
    """The arguments of chat.postMessage."""
    said = (
        plain_content(words(delivery), delivery.buttons, new=True)
        if plain
        else content(body(delivery), delivery.buttons)
    )
    return {
        "channel": delivery.route.chat,
        "thread_ts": delivery.route.thread or None,
        "metadata": metadata(delivery.key),
        "unfurl_links": False,
        "unfurl_media": False,
        **said,
    }


def _actions(buttons: tuple[Button, ...]) -> dict[str, Any]:
    return {"type": "actions", "elements": [_button(one, number) for number, one in enumerate(buttons)]}


def _button(button: Button, number: int) -> dict[str, Any]:
    label = button.label if len(button.label) <= _LABEL else f"{button.label[: _LABEL - 1]}…"
    return {
        "type": "button",
        "action_id": f"carryon.{number}",
        "text": _plain(label),
        "value": button.data,
    }


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": True}
