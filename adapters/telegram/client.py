"""The Bot API as this adapter calls it: aiogram's bot and session, with what a durable gateway needs beside.

Three things differ from aiogram's own session. A request that certainly never left is told apart from one
whose outcome is unknown. Updates arrive as plain JSON, so that one which aiogram cannot read does not spoil
its batch. And the path of a message is trimmed: it travels as JSON instead of a form (see `requests`). Files
pass through in pieces, in both directions. The token is part of every address, so no address is ever told.

Nothing here repeats a request, and aiohttp repeats no POST.
"""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientTimeout,
    ConnectionTimeoutError,
    FormData,
    InvalidURL,
)

from adapters.telegram.requests import FindFile, Json, LocalFile, SendDocument, Sent
from adapters.telegram.sdk import (
    PRODUCTION,
    AiohttpSession,
    AnswerCallbackQuery,
    Bot,
    ClientDecodeError,
    DeleteWebhook,
    GetMe,
    Response,
    SendChatAction,
    TelegramAPIError,
    TelegramAPIServer,
    TelegramMethod,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
    User,
    prepare,
)

CONNECTIONS = 512
CONNECT_SECONDS = 10
REQUEST_SECONDS = 30
SLOWEST = 64 * 1024
"""Bytes a second: a file that is slower than that is given up."""

_UNNAMED_RETRY_SECONDS = 5  # a 429 that does not say for how long
_JSON = {"Content-Type": "application/json"}
_CHUNK = 256 * 1024
_MIME = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

T = TypeVar("T")


class NotSentError(TelegramNetworkError):
    """The request never left: no name, no connection, no certificate. Sending it again repeats nothing."""


class UnreadableError(NotSentError):
    """The file that was to be sent cannot be read, so nothing was sent."""


class TooLargeError(Exception):
    """A file has more bytes than were asked for."""


class GoneError(Exception):
    """There is nothing to download at that path, or no longer."""


class Session(AiohttpSession):
    """aiogram's session with the differences named above. After `end`, nothing is sent any more."""

    def __init__(self, api: TelegramAPIServer) -> None:
        super().__init__(limit=CONNECTIONS, api=api, timeout=REQUEST_SECONDS)
        self._over = False

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[T],
        timeout: int | None = None,  # noqa: ASYNC109  (the signature is aiogram's)
    ) -> T:
        """One request, made once. `timeout` is in seconds and holds for all of it."""
        if self._over:
            raise NotSentError(method=method, message="the account is being closed")
        session = await self.create_session()
        url = self.api.api_url(token=bot.token, method=method.__api_method__)
        limits = ClientTimeout(total=timeout or REQUEST_SECONDS, connect=CONNECT_SECONDS)
        try:
            async with (
                self._body(bot, method) as (data, headers),
                session.post(
                    url, data=data, headers=headers, timeout=limits, allow_redirects=False
                ) as answer,
            ):
                content = await answer.read()
        except (ClientConnectorError, ConnectionTimeoutError, InvalidURL) as error:
            raise NotSentError(method=method, message=_redacted(error, bot)) from error
        except TimeoutError as error:
            raise TelegramNetworkError(method=method, message="no answer in time") from error
        except (ClientError, OSError) as error:
            raise TelegramNetworkError(method=method, message=_redacted(error, bot)) from error
        response = self.check_response(bot, method, answer.status, content)  # pyright: ignore[reportArgumentType]
        if response.result is None:
            raise ClientDecodeError("no result", ValueError("result is missing"), None)
        return response.result

    @asynccontextmanager
    async def _body(
        self, bot: Bot, method: TelegramMethod[Any]
    ) -> AsyncGenerator[tuple[bytes | FormData, dict[str, str] | None]]:
        """What is posted. A file is read while it is sent, and closed at the end."""
        if isinstance(method, Json):
            yield method.body(), _JSON
        elif isinstance(method, SendDocument):
            file: LocalFile = method.file
            try:
                opened: BinaryIO = await asyncio.to_thread(Path(file.path).open, "rb")
            except OSError as error:
                raise UnreadableError(method=method, message=type(error).__name__) from error
            try:
                yield _form(method, file, opened), None
            finally:
                opened.close()
        else:
            yield self.build_form_data(bot, method), None

    async def download(self, bot: Bot, path: str, into: Path, limit: int) -> int:
        """Write what lies at a path of getFile to `into`; how many bytes it has.

        Raises TooLargeError, GoneError, and TelegramNetworkError or TelegramServerError of no method.
        """
        method = FindFile(file_id="")
        if self._over:
            raise NotSentError(method=method, message="the account is being closed")
        session = await self.create_session()
        url = self.api.file_url(bot.token, path)
        limits = ClientTimeout(total=REQUEST_SECONDS + limit // SLOWEST, connect=CONNECT_SECONDS)
        size = 0
        try:
            async with session.get(url, timeout=limits, allow_redirects=False) as answer:
                if answer.status in {400, 403, 404, 410}:
                    raise GoneError
                if answer.status != 200:
                    raise TelegramServerError(method, f"HTTP status {answer.status}")
                file: BinaryIO = await asyncio.to_thread(into.open, "xb")
                with file:
                    async for chunk in answer.content.iter_chunked(_CHUNK):
                        size += len(chunk)
                        if size > limit:
                            raise TooLargeError
                        await asyncio.to_thread(file.write, chunk)
        except TimeoutError as error:
            raise TelegramNetworkError(method=method, message="no answer in time") from error
        except ClientError as error:
            raise TelegramNetworkError(method=method, message=_redacted(error, bot)) from error
        return size

    def check_response(
        self, bot: Bot, method: TelegramMethod[T], status_code: int, content: str
    ) -> Response[T]:
        """As aiogram reads an answer, but a failing server is one even when its words make no sense."""
        try:
            return super().check_response(bot, method, status_code, content)
        except (ClientDecodeError, TypeError, TelegramAPIError) as error:
            # A TypeError is aiogram looking for words in an error that came without a description.
            if status_code == 429 and not isinstance(error, TelegramRetryAfter):
                raise TelegramRetryAfter(method, "Too Many Requests", _UNNAMED_RETRY_SECONDS) from error
            if isinstance(error, TelegramAPIError):
                raise
            if status_code >= 500:
                raise TelegramServerError(method, f"HTTP status {status_code}") from error
            raise ClientDecodeError("not an answer of the Bot API", error, None) from error

    async def close(self) -> None:
        """Close the connections; aiohttp waits for what has to be waited for."""
        if self._session is not None and not self._session.closed:
            await self._session.close()

    async def end(self) -> None:
        """Close for good: a late request fails instead of opening new connections."""
        self._over = True
        await self.close()


prepare(User, GetMe, DeleteWebhook, SendChatAction, AnswerCallbackQuery)
# pydantic keeps generic models in a weak cache: without these, every answer would build its model anew.
_ANSWERS = (Response[Sent], Response[list[Any]], Response[User], Response[bool])


def open_bot(token: str, api_url: str | None) -> tuple[Bot, Session]:
    """A bot and its session. Nothing is sent yet."""
    session = Session(TelegramAPIServer.from_base(api_url) if api_url else PRODUCTION)
    return Bot(token, session=session), session


def _form(method: SendDocument, file: LocalFile, opened: BinaryIO) -> FormData:
    form = FormData(quote_fields=False)  # a name is not to be shown with per cent signs
    for name, value in method.fields().items():
        form.add_field(name, value)
    mime = file.mime if _MIME.fullmatch(file.mime) else "application/octet-stream"
    name = _CONTROL.sub("_", file.name).encode(errors="replace").decode() or "file"
    form.add_field(method.part, opened, filename=name, content_type=mime)
    return form


def _redacted(error: BaseException, bot: Bot) -> str:
    return f"{type(error).__name__}: {error}".replace(bot.token, "<token>")
