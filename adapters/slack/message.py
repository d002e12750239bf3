"""A delivery becomes a request. Pure.

What the bot says is Markdown, which Slack renders itself. Buttons need blocks, and blocks exclude the plain
way, so then the text is a block too, and its beginning stands in for it in notifications.

The key rides in the message's metadata: that is how a message is found again whose sending was in doubt.
"""

from typing import Any

from adapters.labels import REPEAT_LABEL
from adapters.slack.markup import harmless
from gateway.model.delivery import Button, Delivery

EVENT_TYPE = "carryon_delivery"

_NOTIFICATION = 150  # characters
_LABEL = 75  # characters that a button shows


def body(delivery: Delivery) -> str:
    """The text of a delivery, which says of itself if it may be a repeat."""
    return harmless(REPEAT_LABEL + delivery.body if delivery.doubtful else delivery.body)


def content(text: str, buttons: tuple[Button, ...]) -> dict[str, Any]:
    """The arguments of a call that say what a message reads."""
    if not buttons:
        return {"markdown_text": text}
    return {
        "text": text[:_NOTIFICATION],
        "blocks": [
            {"type": "markdown", "text": text},
            {
                "type": "actions",
                "elements": [_button(one, number) for number, one in enumerate(buttons)],
            },
        ],
    }


def metadata(key: str) -> dict[str, Any]:
    """What marks a message as this delivery's."""
    return {"event_type": EVENT_TYPE, "event_payload": {"key": key}}


def posting(delivery: Delivery) -> dict[str, Any]:
    """The arguments of chat.postMessage."""
    return {
        "channel": delivery.route.chat,
        "thread_ts": delivery.route.thread or None,
        "metadata": metadata(delivery.key),
        "unfurl_links": False,
        "unfurl_media": False,
        **content(body(delivery), delivery.buttons),
    }


def _button(button: Button, number: int) -> dict[str, Any]:
    label = button.label if len(button.label) <= _LABEL else f"{button.label[: _LABEL - 1]}…"
    return {
        "type": "button",
        "action_id": f"carryon.{number}",
        "text": {"type": "plain_text", "text": label, "emoji": True},
        "value": button.data,
    }
