"""What Slack allows, and the config of one app."""

import re
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from adapters.endpoints import address
from adapters.manifest import Account, Manifest

_BOT = "xoxb-"
_APP = "xapp-"
_TAIL = re.compile(r"[A-Za-z0-9-]+", re.ASCII)


def _token(prefix: str, other: str, found: str, mistaken: str) -> Callable[[SecretStr], SecretStr]:
    def check(token: SecretStr) -> SecretStr:
        given = token.get_secret_value()
        if given.startswith(other):
            raise ValueError(f"this is {mistaken}; the two tokens have been swapped")
        if not given.startswith(prefix) or not _TAIL.fullmatch(given.removeprefix(prefix)):
            raise ValueError(f"it begins with {prefix}; copy it from {found} of the app's settings")
        return token

    return check


_bot_token = _token(_BOT, _APP, "OAuth & Permissions", "the app token")
_app_token = _token(_APP, _BOT, "Basic Information, App-Level Tokens,", "the bot token")
_server = address("http://127.0.0.1:8083/api/", "http", "https")


def _with_slash(url: str) -> str:
    return f"{_server(url)}/"


class SlackAccount(Account, frozen=True):
    """One Slack app, in Socket Mode."""

    platform: Literal["slack"] = Field(description="the platform of this account")
    bot_token: Annotated[SecretStr, AfterValidator(_bot_token)] = Field(
        description="the bot user's OAuth token, xoxb-..."
    )
    app_token: Annotated[SecretStr, AfterValidator(_app_token)] = Field(
        description="an app-level token with the scope connections:write, xapp-..."
    )
    api_url: Annotated[str, AfterValidator(_with_slash)] | None = Field(
        default=None, description="address of an emulator's Web API; null is Slack's own"
    )
    rate_limits: Literal["platform", "off"] = Field(
        default="platform",
        description="platform paces sends as Slack's rules ask; off is for servers without such rules",
    )


MANIFEST = Manifest(
    platform="slack",
    account_model=SlackAccount,
    connect="adapters.slack.adapter:connect",
    text_limit=11_000,  # Slack takes 12,000 of Markdown, and refuses blocks that get long by escaping
    idempotent_send=False,
    readable=True,
    edits=True,
    typing_seconds=30.0,  # a status stays for two minutes or until something is said
)
