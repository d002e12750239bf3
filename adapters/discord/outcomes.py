"""Discord's replies become values: an outcome of a send, or a trouble of receiving.

The question that decides over a failed send is whether Discord may have carried it out. It has not when
there was no connection, and not when it answered with a refusal of its own. In every other case (a connection
that broke, a failing server, an answer that makes no sense) it may have, and only `Unknown` is true.

Codes: https://discord.com/developers/docs/topics/opcodes-and-status-codes.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from adapters.discord.rest import Answer, Broken, NotSent, Reply
from gateway.model.delivery import Delivered, Rejected, RetryAfter, SendOutcome, Unknown

TOKEN_RETRY_SECONDS = 60.0
BLOCKED_RETRY_SECONDS = 60.0
UNNAMED_RETRY_SECONDS = 5.0
FIRST_RETRY_SECONDS = 0.5
LAST_RETRY_SECONDS = 30.0

UNKNOWN_CHANNEL = 10003
UNKNOWN_MESSAGE = 10008
UNKNOWN_EMOJI = 10014
MISSING_PERMISSION = 50013
FILE_TOO_LARGE = 40005
THREAD_EXISTS = 160004
NO_REPLY_HERE = 160002

_TOO_LARGE = 413  # an HTTP status; a proxy gives no code with it
_WORDS: Final = {
    10003: "the channel or thread is gone, or the bot is no longer in this server",
    10004: "the bot is no longer in this server",
    10008: "the message is gone",
    10014: "there is no such reaction",
    20016: "slow mode holds up the bot in this channel",
    30010: "the message has as many kinds of reactions as Discord allows",
    FILE_TOO_LARGE: "the file is larger than Discord takes from the bot here",
    40058: "a forum takes no messages outside its posts",
    50001: "the bot is no longer in this channel, or may not see it",
    50005: "the message was written by somebody else",
    50006: "Discord does not take empty messages",
    50007: "this user does not accept direct messages from the bot",
    50008: "this channel takes no messages",
    50013: "the bot may not write in this channel (it lacks a permission)",
    90001: "somebody who blocked the bot gets no reactions from it",
    50024: "this kind of channel does not allow it",
    50083: "the thread is archived and locked",
    160005: "the thread is locked",
    240000: "a filter of the server refused the text",
    200000: "a filter of the server (AutoMod) refused the text",
}


class TroubleKind(StrEnum):
    """Why nothing can be received. `final` means that waiting does not help.

    `asked` and `session` are everyday: Discord moves its clients about, and ends sessions.
    """

    NETWORK = "network"
    SERVER = "server"
    RUBBISH = "rubbish"
    REFUSED = "refused"
    RATE_LIMIT = "rate_limit"
    BLOCKED = "blocked"
    LOGINS = "logins"
    ASKED = "asked"
    SESSION = "session"
    TOKEN = "token"  # noqa: S105  (a word, not a secret)
    INTENT = "intent"
    SETUP = "setup"

    @property
    def final(self) -> bool:
        """Whether the account is beyond help."""
        return self in (TroubleKind.TOKEN, TroubleKind.INTENT, TroubleKind.SETUP)

    @property
    def everyday(self) -> bool:
        """Whether it is none that anybody should hear of, unless it lasts."""
        return self in (TroubleKind.ASKED, TroubleKind.SESSION)


@dataclass(frozen=True, slots=True)
class Trouble:
    """`why` is a plain sentence for people, `detail` for the log; `seconds` is how long to wait."""

    kind: TroubleKind
    why: str
    detail: str = ""
    seconds: float | None = None


NOT_KNOWN = (
    "Discord does not know the bot token; get a valid one from the Bot page of the developer portal, put it "
    "into the config and restart."
)
MISSING_INTENT = (
    "The Message Content intent is switched off for this bot, so it would not see what people write in "
    "channels; switch it on in the developer portal under Bot, Privileged Gateway Intents, and restart."
)
NO_SENSE = "Discord's answers make no sense."
NO_CONNECTION = "There is no connection to Discord."
NO_API = (
    "There is no API of Discord at this address (HTTP status 404); if api_url is set, its path must end with "
    "/api/v10."
)

_CLOSED: Final = {
    4004: Trouble(TroubleKind.TOKEN, NOT_KNOWN, "close 4004"),
    4010: Trouble(TroubleKind.SETUP, "Discord refuses the connection: invalid shard.", "close 4010"),
    4011: Trouble(
        TroubleKind.SETUP,
        "This bot is in more servers than one connection may serve, and Carryon does not split it up "
        "(sharding); use a bot in fewer servers.",
        "close 4011",
    ),
    4012: Trouble(
        TroubleKind.SETUP,
        "Discord no longer speaks the version of its gateway that this release does; upgrade Carryon.",
        "close 4012",
    ),
    4013: Trouble(
        TroubleKind.SETUP,
        "Discord does not know an intent that this release asks for; upgrade Carryon.",
        "close 4013",
    ),
    4014: Trouble(TroubleKind.INTENT, MISSING_INTENT, "close 4014"),
}


def sent(reply: Reply, attempt: int) -> SendOutcome:
    """What became of a message that was sent or changed. `attempt` counts from 0 or 1; waits grow with it."""
    if isinstance(reply, Answer) and reply.good:
        message_id = reply.fields.get("id")
        if isinstance(message_id, str) and message_id:
            return Delivered(message_id)
        return Unknown("Discord's answer made no sense")
    return refused(reply, attempt)


def refused(reply: Reply, attempt: int) -> Rejected | RetryAfter | Unknown:
    """What became of a request that was not carried out as far as one knows."""
    match reply:
        case NotSent(detail):
            return RetryAfter(retry_seconds(attempt), f"no connection to Discord: {detail}")
        case Broken(detail):
            return Unknown(f"the connection to Discord broke: {detail}")
        case Answer(status=429):
            return RetryAfter(limit_seconds(reply), "Discord asks to slow down")
        case Answer(status=401):
            return RetryAfter(TOKEN_RETRY_SECONDS, "Discord does not know the bot token")
        case Answer(status=status) if status >= 500:
            return Unknown(f"Discord failed: {words(reply)}")
        case Answer(status=status) if status >= 400 and (reply.code or reply.message):
            return Rejected(words(reply))
        case Answer(status=404 | 413):
            return Rejected(words(reply))
        case Answer():
            return Unknown(f"Discord's answer made no sense: {words(reply)}")


def harmless(reply: Reply, attempt: int) -> Rejected | RetryAfter:
    """What became of a request that may be made again whatever became of it."""
    found = refused(reply, attempt)
    if isinstance(found, Unknown):
        return RetryAfter(retry_seconds(attempt), found.reason)
    return found


def trouble(reply: Reply) -> Trouble:
    """What keeps the bot from being connected."""
    match reply:
        case NotSent(detail) | Broken(detail):
            return Trouble(TroubleKind.NETWORK, NO_CONNECTION, detail)
        case Answer(status=401):
            return Trouble(TroubleKind.TOKEN, NOT_KNOWN, words(reply))
        case Answer(status=404):
            return Trouble(TroubleKind.REFUSED, NO_API, words(reply))
        case Answer(status=429) if not isinstance(reply.body, dict):
            why = (
                "Discord's proxy blocks this address for a while, after too many refused requests; "
                "it is tried again."
            )
            return Trouble(TroubleKind.BLOCKED, why, words(reply), limit_seconds(reply))
        case Answer(status=429):
            why = "Discord asks to slow down."
            return Trouble(TroubleKind.RATE_LIMIT, why, words(reply), limit_seconds(reply))
        case Answer(status=status) if status >= 500:
            return Trouble(TroubleKind.SERVER, "Discord's server is failing.", words(reply))
        case Answer(status=status) if status >= 400:
            return Trouble(TroubleKind.REFUSED, f"Discord refuses the bot: {words(reply)}.", words(reply))
        case Answer():
            return Trouble(TroubleKind.RUBBISH, NO_SENSE, words(reply))


def closed(code: int | None) -> Trouble:
    """What the gateway's close code means, where it does not simply mean to come back."""
    found = _CLOSED.get(code or 0)
    return found or Trouble(TroubleKind.NETWORK, "The connection to Discord broke.", f"close {code}")


def limit_seconds(answer: Answer) -> float:
    """How long a 429 asks to wait. One that is not Discord's own may last long, and names no time."""
    if answer.seconds is not None:
        return answer.seconds
    return UNNAMED_RETRY_SECONDS if isinstance(answer.body, dict) else BLOCKED_RETRY_SECONDS


def retry_seconds(attempt: int) -> float:
    """A wait that doubles from `FIRST_RETRY_SECONDS` to `LAST_RETRY_SECONDS`."""
    return min(LAST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0 ** min(attempt, 16))


def words(answer: Answer) -> str:
    """What it means, in plain words where they are known, with Discord's code to look up."""
    known = _WORDS.get(answer.code)
    if known is not None:
        return f"{known} (Discord {answer.code})"
    if answer.status == _TOO_LARGE:
        return _WORDS[FILE_TOO_LARGE]
    if answer.code or answer.message:
        return f"{answer.message or 'refused'} (Discord {answer.code})"
    return f"HTTP status {answer.status}"
