"""The Bot API as this adapter calls it: aiogram's bot and session, with what a durable gateway needs beside.

Three things differ from aiogram's own session. A request that certainly never left is told apart from one
whose outcome is unknown. Updates arrive as plain JSON, so that one which aiogram cannot read does not spoil
its batch. And the path of a message is trimmed: it travels as JSON instead of a form, and of the answer only
the message id is read.

Nothing here repeats a request, and aiohttp repeats no POST.
"""

from json import dumps
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientTimeout,
    ConnectionTimeoutError,
    FormData,
    InvalidURL,
)
from pydantic import BaseModel

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
BATCH = 100
"""The most updates that one getUpdates returns."""

ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")

_UNNAMED_RETRY_SECONDS = 5  # a 429 that does not say for how long
_JSON = {"Content-Type": "application/json"}
_NO_PREVIEW = {"is_disabled": True}

T = TypeVar("T")


class NotSentError(TelegramNetworkError):
    """The request never left: no name, no connection, no certificate. Sending it again repeats nothing."""


class Sent(BaseModel):
    """What is read of the answer to a sent message."""

    message_id: int


class SendText(TelegramMethod[Sent]):
    """`sendMessage` with plain text and no preview of the links in it."""

    __returning__ = Sent
    __api_method__ = "sendMessage"

    chat_id: str
    text: str
    message_thread_id: int | None = None
    reply_parameters: dict[str, Any] | None = None
    reply_markup: dict[str, Any] | None = None

    def body(self) -> bytes:
        """The request as JSON; what UTF-8 cannot express becomes a question mark."""
        given = {key: value for key, value in self.__dict__.items() if value is not None}
        given["link_preview_options"] = _NO_PREVIEW
        return dumps(given, ensure_ascii=False).encode(errors="replace")


class EditText(TelegramMethod[Sent]):
    """`editMessageText` of a message of our own."""

    __returning__ = Sent
    __api_method__ = "editMessageText"

    chat_id: str
    message_id: int
    text: str
    reply_markup: dict[str, Any] | None = None

    body = SendText.body


class PollUpdates(TelegramMethod[list[Any]]):
    """`getUpdates`, answered with updates as they are."""

    __returning__ = list[Any]
    __api_method__ = "getUpdates"

    offset: int | None = None
    limit: int = BATCH
    timeout: int = 0
    allowed_updates: tuple[str, ...] = ALLOWED_UPDATES

    if TYPE_CHECKING:

        def __init__(self, *, offset: int | None, timeout: int) -> None: ...


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
        data, headers = self._body(bot, method)
        limits = ClientTimeout(total=timeout or REQUEST_SECONDS, connect=CONNECT_SECONDS)
        try:
            async with session.post(
                url, data=data, headers=headers, timeout=limits, allow_redirects=False
            ) as answer:
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

    def _body(self, bot: Bot, method: TelegramMethod[Any]) -> tuple[bytes | FormData, dict[str, str] | None]:
        if isinstance(method, (SendText, EditText)):
            return method.body(), _JSON
        return self.build_form_data(bot, method), None

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


prepare(
    Response,
    Sent,
    User,
    SendText,
    EditText,
    PollUpdates,
    GetMe,
    DeleteWebhook,
    SendChatAction,
    AnswerCallbackQuery,
)
# pydantic keeps generic models in a weak cache: without these, every answer would build its model anew.
_ANSWERS = (Response[Sent], Response[list[Any]], Response[User], Response[bool])


def open_bot(token: str, api_url: str | None) -> tuple[Bot, Session]:
    """A bot and its session. Nothing is sent yet."""
    session = Session(TelegramAPIServer.from_base(api_url) if api_url else PRODUCTION)
    return Bot(token, session=session), session


def _redacted(error: BaseException, bot: Bot) -> str:
    return f"{type(error).__name__}: {error}".replace(bot.token, "<token>")
