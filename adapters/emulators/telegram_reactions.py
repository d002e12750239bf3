"""The emoji that bots may react with, see https://core.telegram.org/bots/api#reactiontypeemoji."""

from typing import cast

from adapters.emulators.events import JsonObject
from adapters.emulators.telegram_params import Params, bad_request

_LISTED = """
    ❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩
    🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆
    💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨‍💻 👀 🎃 🙈
    😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄
    😘 💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ 😡
"""
ALLOWED = frozenset(_LISTED.split())


def read_reactions(params: Params, permitted: frozenset[str] | None) -> list[object]:
    """The checked `reaction`; `permitted` are those that the chat's admins allow, None is all."""
    asked = params.array("reaction", "reaction types") or []
    for one in asked:
        if not isinstance(one, dict):
            raise bad_request("can't parse ReactionType: expected an Object")
        fields = cast("JsonObject", one)
        match fields.get("type"):
            case "emoji":
                emoji = fields.get("emoji")
                if not isinstance(emoji, str):
                    raise bad_request("can't parse ReactionType: Can't find field \"emoji\"")
                if emoji not in ALLOWED or (permitted is not None and emoji not in permitted):
                    raise bad_request("REACTION_INVALID")
            case "custom_emoji" | "paid":  # not for bots, unless people have reacted so before
                raise bad_request("REACTION_INVALID")
            case _:
                raise bad_request("can't parse ReactionType: invalid type specified")
    if len(asked) > 1:  # a bot has one
        raise bad_request("REACTIONS_TOO_MANY")
    return asked
