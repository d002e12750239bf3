"""What Telegram's Bot API allows, and the config of one bot."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from adapters.endpoints import address
from adapters.manifest import Account, Manifest, Withheld

_TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]+", re.ASCII)


def _bot_token(token: SecretStr) -> SecretStr:
    if not isinstance(token, Withheld) and not _TOKEN.fullmatch(token.get_secret_value()):
        raise ValueError(
            "a bot token is digits, a colon, then letters and digits; copy it as BotFather gave it"
        )
    return token


_server = address("http://127.0.0.1:8081", "http", "https")


class TelegramAccount(Account, frozen=True):
    """One Telegram bot."""

    platform: Literal["telegram"] = Field(description="the platform of this account")
    token: Annotated[SecretStr, AfterValidator(_bot_token)] = Field(
        description="the bot token from BotFather"
    )
    api_url: Annotated[str, AfterValidator(_server)] | None = Field(
        default=None, description="address of a local Bot API server or an emulator; null is Telegram's own"
    )


MANIFEST = Manifest(
    platform="telegram",
    account_model=TelegramAccount,
    connect="adapters.telegram.adapter:connect",
    text_limit=4096,
    idempotent_send=False,
    readable=False,
    edits=True,
    typing_seconds=5.0,
)
