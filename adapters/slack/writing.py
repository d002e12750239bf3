"""Messages are posted and rewritten as Markdown, and as they are where Slack refuses that.

A refusal is no send, so the second attempt repeats nothing.
"""

from typing import Any

from adapters.slack.client import Client, RefusedError
from adapters.slack.message import content, metadata, plain_content, posting
from adapters.slack.render import render
from gateway.model.delivery import Button, Delivery

_MARKUP = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})
_ARGUMENTS = "invalid_arguments"


def of_markup(error: RefusedError) -> bool:
    """Whether it is the markup that Slack does not take."""
    if error.word == _ARGUMENTS:
        return "markdown" in error.detail or "blocks" in error.detail
    return error.word in _MARKUP


async def post(client: Client, delivery: Delivery) -> str:
    """Post a delivery; its ts. Raises CallError."""
    try:
        return await client.post("chat.postMessage", **posting(delivery))
    except RefusedError as error:
        if not of_markup(error):
            raise
    return await client.post("chat.postMessage", **posting(delivery, plain=True))


async def rewrite(
    client: Client, chat: str, ts: str, text: str, buttons: tuple[Button, ...], key: str
) -> None:
    """Make a message read so; without a key it keeps its mark. Raises CallError."""
    where: dict[str, Any] = {"channel": chat, "ts": ts, "metadata": metadata(key) if key else None}
    try:
        await client.write("chat.update", **where, **content(render(text), buttons))
    except RefusedError as error:
        if not of_markup(error):
            raise
    else:
        return
    await client.write("chat.update", **where, **plain_content(text, buttons, new=False))
