"""What Slack allows, and the config of one app."""

import re
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from adapters.endpoints import address
from adapters.manifest import Account, Manifest, Withheld

_TAIL = re.compile(r"[A-Za-z0-9-]+", re.ASCII)
_KINDS = {
    "xoxb-": "a bot token",
    "xapp-": "an app-level token",
    "xoxp-": "a user token",
    "xoxe": "a token that expires (token rotation)",
}
_HEXADECIMAL = re.compile(r"[0-9a-f]{32}", re.ASCII)


def _token(key: str, prefix: str, page: str) -> Callable[[SecretStr], SecretStr]:
    def check(token: SecretStr) -> SecretStr:
        if isinstance(token, Withheld):
            return token
        given = token.get_secret_value()
        if not given.startswith(prefix) or not _TAIL.fullmatch(given.removeprefix(prefix)):
            raise ValueError(
                f"{_looks(given, prefix)}{key} begins with {prefix}, then letters, digits and hyphens; "
                f"copy it from {page} of the app's settings"
            )
        return token

    return check


def _looks(given: str, prefix: str) -> str:
    """What was mistaken for the right one, told by its form."""
    kinds = [kind for begin, kind in _KINDS.items() if begin != prefix and given.startswith(begin)]
    if _HEXADECIMAL.fullmatch(given):
        kinds = ["the signing secret or the client secret"]
    return f"this looks like {kinds[0]}; " if kinds else ""


_bot_token = _token("bot_token", "xoxb-", "OAuth & Permissions")
_app_token = _token("app_token", "xapp-", "Basic Information, App-Level Tokens,")
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
