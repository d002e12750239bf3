"""aiogram's exceptions become values: an outcome of a send, or a trouble of receiving.

The question that decides over a failed send is whether Telegram may have carried it out. It has not when
there was no connection, and not when it answered with a refusal. In every other case (a connection that
broke, a failing server, an answer that makes no sense) it may have, and only `Unknown` is true.
"""

from dataclasses import dataclass
from enum import StrEnum

from adapters.endpoints import whether_running
from adapters.telegram.client import NotSentError, UnreadableError
from adapters.telegram.sdk import (
    AiogramError,
    TelegramAPIError,
    TelegramConflictError,
    TelegramEntityTooLarge,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from gateway.model.delivery import Rejected, RetryAfter, SendOutcome, Unknown

TOKEN_RETRY_SECONDS = 60.0
CONFLICT_RETRY_SECONDS = 5.0
FIRST_RETRY_SECONDS = 0.5
LAST_RETRY_SECONDS = 30.0

_REASON_LIMIT = 200


class TroubleKind(StrEnum):
    """Why nothing can be received. `final` means that waiting does not help."""

    NETWORK = "network"
    SERVER = "server"
    RUBBISH = "rubbish"
    REFUSED = "refused"
    RATE_LIMIT = "rate_limit"
    CONFLICT = "conflict"
    WEBHOOK = "webhook"
    TOKEN = "token"  # noqa: S105  (a word, not a secret)

    @property
    def final(self) -> bool:
        """Whether the account is beyond help."""
        return self is TroubleKind.TOKEN


@dataclass(frozen=True, slots=True)
class Trouble:
    """`why` is a plain sentence for people, `detail` for the log; `seconds` is a wait that Telegram named."""

    kind: TroubleKind
    why: str
    detail: str
    seconds: float | None = None


def outcome(error: AiogramError, attempt: int) -> SendOutcome:
    """What became of a send that raised. `attempt` counts from 0 or 1; waits grow with it."""
    match error:
        case TelegramRetryAfter():
            return RetryAfter(float(error.retry_after), "Telegram asks to slow down")
        case UnreadableError():
            return Rejected("the file is gone, or cannot be read")
        case NotSentError():
            return RetryAfter(retry_seconds(attempt), f"no connection to Telegram: {described(error)}")
        case TelegramUnauthorizedError() | TelegramNotFound():
            return RetryAfter(TOKEN_RETRY_SECONDS, "Telegram does not know the bot token")
        case TelegramConflictError():
            return RetryAfter(CONFLICT_RETRY_SECONDS, described(error))
        case TelegramServerError():
            return Unknown(f"Telegram failed: {described(error)}")
        case TelegramEntityTooLarge():  # a network error by inheritance only
            return Rejected(described(error))
        case TelegramNetworkError():
            return Unknown(f"the connection to Telegram broke: {described(error)}")
        case TelegramAPIError():
            return Rejected(described(error))
        case _:
            return Unknown("Telegram's answer made no sense")


def unchanged(error: AiogramError) -> bool:
    """Whether an edit was refused because the message reads so already."""
    return isinstance(error, TelegramAPIError) and "message is not modified" in error.message


def trouble(error: AiogramError, api_url: str | None = None) -> Trouble:
    """What keeps updates from being received; `api_url` is the account's, None is Telegram's own server."""
    detail = described(error)
    match error:
        case TelegramRetryAfter():
            return Trouble(
                TroubleKind.RATE_LIMIT, "Telegram asks to slow down.", detail, float(error.retry_after)
            )
        case TelegramUnauthorizedError() | TelegramNotFound():
            why = "Telegram does not know the bot token; get a valid one from BotFather and restart."
            if api_url is not None and isinstance(error, TelegramNotFound):
                why += " Or the path of api_url is wrong: as a rule it has none."
            return Trouble(TroubleKind.TOKEN, why, detail)
        case TelegramConflictError() if "webhook" in detail:
            return Trouble(TroubleKind.WEBHOOK, "A webhook is set for this bot; it is being removed.", detail)
        case TelegramConflictError():
            why = "Another program receives this bot's messages; stop it, or give this gateway its own bot."
            return Trouble(TroubleKind.CONFLICT, why, detail)
        case TelegramServerError():
            return Trouble(TroubleKind.SERVER, "Telegram's server is failing.", detail)
        case TelegramNetworkError():
            why = f"There is no connection to Telegram.{whether_running('api_url', api_url)}"
            return Trouble(TroubleKind.NETWORK, why, detail)
        case TelegramAPIError():
            return Trouble(TroubleKind.REFUSED, f"Telegram refuses to hand out messages: {detail}", detail)
        case _:
            return Trouble(TroubleKind.RUBBISH, "Telegram's answers make no sense.", detail)


def retry_seconds(attempt: int) -> float:
    """A wait that doubles from `FIRST_RETRY_SECONDS` to `LAST_RETRY_SECONDS`."""
    return min(LAST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0 ** min(attempt, 16))


def described(error: AiogramError) -> str:
    """Telegram's own words, without aiogram's frame; of what cannot be read, only the kind."""
    if isinstance(error, TelegramAPIError):
        lines = (error.message or "").splitlines()  # aiogram passes on a missing description
        return lines[0][:_REASON_LIMIT] if lines else type(error).__name__
    return type(error).__name__
