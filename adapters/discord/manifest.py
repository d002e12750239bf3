"""What Discord allows, and the config of one bot."""

import base64
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from adapters.endpoints import address
from adapters.manifest import Account, Manifest, Withheld

_TOKEN = re.compile(r"([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)


def _bot_token(token: SecretStr) -> SecretStr:
    if isinstance(token, Withheld):
        return token
    text = token.get_secret_value()
    if text.lower().startswith("bot "):
        raise ValueError("write the bot token alone, without the word Bot before it")
    form = _TOKEN.fullmatch(text)
    if form is None or not _names_bot(form[1]):
        raise ValueError(
            "a bot token has three parts with dots between them, and the first holds the bot's id; copy it "
            "from the Bot page of the developer portal (it is neither the public key nor the client secret)"
        )
    return token


def _names_bot(part: str) -> bool:
    """Whether it is an id, which is a number, in Base64 without its padding."""
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True).isdigit()
    except ValueError:
        return False


_api = address("http://127.0.0.1:8082/api/v10", "http", "https")
_gateway = address("ws://127.0.0.1:8082/gateway", "ws", "wss")


class DiscordAccount(Account, frozen=True):
    """One Discord bot."""

    platform: Literal["discord"] = Field(description="the platform of this account")
    token: Annotated[SecretStr, AfterValidator(_bot_token)] = Field(
        description="the bot token from the Bot page of the developer portal"
    )
    api_url: Annotated[str, AfterValidator(_api)] | None = Field(
        default=None, description="address of another API server or an emulator; null is Discord's own"
    )
    gateway_url: Annotated[str, AfterValidator(_gateway)] | None = Field(
        default=None, description="address of its gateway; null is the one that the API names"
    )
    threads: Literal["auto", "off"] = Field(
        default="auto",
        description=(
            "auto answers a mention in a channel in a thread of its own, where the bot may open one; "
            "off answers in the channel, and threads are left to people"
        ),
    )


MANIFEST = Manifest(
    platform="discord",
    account_model=DiscordAccount,
    connect="adapters.discord.adapter:connect",
    text_limit=2000,
    idempotent_send=True,
    readable=True,
    edits=True,
    typing_seconds=10.0,
)
