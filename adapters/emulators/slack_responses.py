"""Response URLs: five answers to a click or a command, without a token.

See https://docs.slack.dev/interactivity/handling-user-interaction#message_responses.
"""

from adapters.emulators.slack_api import SlackApi
from adapters.emulators.slack_chat import find_thread, read_content
from adapters.emulators.slack_params import ApiError, Params
from adapters.emulators.slack_values import Message

PATH = "/response/"


def respond(api: SlackApi, secret: str, params: Params) -> None:
    """Replace or delete the message that was clicked on, or say something new. Raises ApiError."""
    url = api.people.response_urls.get(secret)
    if url is None or url.left == 0:
        raise ApiError("expired_url" if url is None else "used_url")
    channel = api.world.channel(url.channel)
    content = read_content(params)
    clicked = channel.message(url.ts)
    if params.flag("delete_original") and clicked is not None:
        previous = clicked.as_json()
        clicked.deleted = True
        api.events.emit("delete", {"chat": channel.id, "message_id": clicked.ts})
        api.hearing.deleted(channel, clicked, previous)
    elif content.empty:
        raise ApiError("no_text")
    elif params.flag("replace_original") and clicked is not None:
        previous = clicked.as_json()
        content.write(clicked)
        clicked.edits += 1
        api.rewritten(channel, clicked, previous)
    else:
        message = Message(
            api.world.stamp(),
            channel.id,
            api.world.bot,
            "",
            api.world.app,
            thread=find_thread(params, channel),
        )
        content.write(message)
        if params.text("response_type") == "in_channel":
            api.place(channel, message)
        else:
            api.events.emit("ephemeral", {"chat": channel.id, "user": url.user, "text": message.read()})
    url.left -= 1
