"""What has to be known for a first config file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

DEMO = "demo"
"""The agent that ships with the gateway."""

STATE_DIR = "./state"


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A secret of an account: its key in the config, the variable that usually holds it, where to get it."""

    key: str
    variable: str
    where: str


@dataclass(frozen=True, slots=True)
class PlatformFacts:
    """What is asked about a platform. `person` is the form of its people's ids, `whose` says it in words."""

    title: str
    secrets: tuple[SecretKey, ...]
    person: re.Pattern[str]
    whose: str


PLATFORMS: Mapping[str, PlatformFacts] = {
    "telegram": PlatformFacts(
        "Telegram",
        (
            SecretKey(
                "token", "TELEGRAM_BOT_TOKEN", "write /newbot to @BotFather, who gives you the bot token"
            ),
        ),
        re.compile(r"[0-9]{1,20}", re.ASCII),
        "a number",
    ),
    "discord": PlatformFacts(
        "Discord",
        (
            SecretKey(
                "token",
                "DISCORD_BOT_TOKEN",
                "make an application at https://discord.com/developers/applications; its page Bot has the "
                "bot token, and the switch Message Content Intent, which has to be on",
            ),
        ),
        re.compile(r"[0-9]{1,20}", re.ASCII),
        "a number; with the developer mode on, Copy User ID in your profile's menu",
    ),
    "slack": PlatformFacts(
        "Slack",
        (
            SecretKey(
                "bot_token",
                "SLACK_BOT_TOKEN",
                "make an app at https://api.slack.com/apps from the manifest in docs/platforms.md and "
                "install it; OAuth & Permissions has the bot token, xoxb-…",
            ),
            SecretKey(
                "app_token",
                "SLACK_APP_TOKEN",
                "Basic Information, App-Level Tokens: generate one with the scope connections:write, xapp-…",
            ),
        ),
        re.compile(r"[UW][A-Z0-9]{2,20}", re.ASCII),
        "U and letters or digits; Copy member ID in your profile's menu",
    ),
}


@dataclass(frozen=True, slots=True)
class AccountAnswer:
    """One bot: the values of its secrets by key, and what people call it, empty where nobody was asked."""

    platform: str
    secrets: Mapping[str, str] = field(repr=False)
    api_url: str | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """All of it. `admins` are people as "account:id"; `pairing` lets others ask to be let in, with a code."""

    accounts: tuple[AccountAnswer, ...]
    agent: str = DEMO
    admins: tuple[str, ...] = ()
    pairing: bool = True
    state_dir: str = STATE_DIR
