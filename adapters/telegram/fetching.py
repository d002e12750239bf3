"""A file that somebody sent is fetched: asked for by its id, downloaded from a path that ends after an hour.

The id is good for ever, so a path that has ended is asked for once more. How large a file is said to be is
not relied on: the bytes are counted while they come.
"""

from contextlib import suppress
from pathlib import Path

from adapters.telegram.client import GoneError, Session, TooLargeError
from adapters.telegram.outcomes import described
from adapters.telegram.requests import FindFile, prepare_rare
from adapters.telegram.sdk import (
    AiogramError,
    Bot,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from gateway.model.attachment import Attachment, Fetched, FetchFailed, FetchOutcome

_ANSWER_SECONDS = 30
_TOO_LARGE = "it is larger than {} MB, which is the most that is taken"


async def fetch(bot: Bot, session: Session, attachment: Attachment, into: Path, limit: int) -> FetchOutcome:
    """See `Receiving.fetch`."""
    if attachment.size is not None and attachment.size > limit:
        return _too_large(limit)
    prepare_rare()
    try:
        for _ in range(2):
            found = await bot(FindFile(file_id=attachment.ref), request_timeout=_ANSWER_SECONDS)
            if not found.file_path:
                return FetchFailed("Telegram does not say where the file is", again=True)
            if found.file_path.startswith("/"):
                return FetchFailed("the Bot API server keeps its files to itself; run it without --local")
            with suppress(GoneError):
                return Fetched(await session.download(bot, found.file_path, into, limit))
    except TooLargeError:
        return _too_large(limit)
    except AiogramError as error:
        return _failed(error)
    except OSError as error:
        return FetchFailed(f"it could not be written to the disk ({type(error).__name__})", again=True)
    return FetchFailed("Telegram does not hand the file out", again=True)


def _failed(error: AiogramError) -> FetchFailed:
    match error:
        case TelegramBadRequest() if "too big" in error.message:
            return FetchFailed("Telegram hands bots only files of up to 20 MB")
        case TelegramRetryAfter():
            return FetchFailed("Telegram asks to slow down", again=True)
        case TelegramNetworkError():
            return FetchFailed("there is no connection to Telegram, or it broke", again=True)
        case TelegramServerError():
            return FetchFailed("Telegram failed", again=True)
        case TelegramBadRequest():
            return FetchFailed(f"Telegram does not know the file ({described(error)})")
        case TelegramAPIError():
            return FetchFailed(f"Telegram refuses: {described(error)}", again=True)
        case _:
            return FetchFailed("Telegram's answer made no sense", again=True)


def _too_large(limit: int) -> FetchFailed:
    return FetchFailed(_TOO_LARGE.format(f"{limit / 1024 / 1024:.3g}"))
