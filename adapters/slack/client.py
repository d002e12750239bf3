"""The Web API as this adapter calls it: slack_sdk's client, with requests of our own beneath it.

slack_sdk repeats a POST whose connection broke, so a message may be posted twice; here every request is made
once. A request that certainly never left is told apart from one whose outcome is unknown, a failing server
from a refusal. All requests and the socket of an account share one session, and once that is closed nothing
is sent any more: slack_sdk alone would open another.
"""

import json
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    InvalidURL,
    TCPConnector,
)
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

CONNECTIONS = 512
CONNECT_SECONDS = 10
REQUEST_SECONDS = 30
TRANSFER_SECONDS = 900  # of a whole file
UNNAMED_RETRY_SECONDS = 5.0  # a refusal for the rate that does not say for how long

QUIET = logging.getLogger("adapters.slack.sdk")
"""For the SDK, which reports what the adapter handles, with tracebacks. Nothing is as grave as this."""
QUIET.setLevel(logging.CRITICAL + 1)

_FAILURES = frozenset({"fatal_error", "internal_error", "service_unavailable", "request_timeout"})
_LIMITS = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})


class CallError(Exception):
    """A call did not succeed. The message is fit for a log: no token, no content."""


class NotSentError(CallError):
    """The request never left: no name, no connection, no certificate. Making it again repeats nothing."""


class BrokenError(CallError):
    """The connection broke. Slack may have carried it out."""


class FailedError(CallError):
    """Slack failed, or its answer made no sense. It may have carried it out."""


class LimitError(CallError):
    """Slack asks to wait for so many seconds. It was not carried out."""

    def __init__(self, seconds: float) -> None:
        super().__init__("ratelimited")
        self.seconds = seconds


class RefusedError(CallError):
    """Slack said no, in one `word`. `needed` are the scopes that were missing, if that is why.

    `detail` is what Slack says beside it, which may hold content.
    """

    def __init__(self, word: str, needed: str = "", detail: str = "") -> None:
        super().__init__(word)
        self.word = word
        self.needed = needed
        self.detail = detail


class Client(AsyncWebClient):
    """slack_sdk's client with the differences named above."""

    def __init__(self, token: str, api_url: str | None, app_token: str = "") -> None:
        """`app_token` opens sockets, and nothing else."""
        super().__init__(token=token, base_url=api_url or self.BASE_URL, logger=QUIET, retry_handlers=[])  # pyright: ignore[reportUnknownMemberType]
        self._app_token = app_token
        self._own: ClientSession | None = None
        self._over = False

    def open_session(self) -> ClientSession:
        """The account's session; made at its first use, inside the event loop."""
        if self._over:
            raise NotSentError("the account is being closed")
        if self._own is None:
            limits = ClientTimeout(total=REQUEST_SECONDS, connect=CONNECT_SECONDS)
            self._own = ClientSession(connector=TCPConnector(limit=CONNECTIONS), timeout=limits)
        return self._own

    async def read(self, method: str, **params: object) -> dict[str, Any]:
        """A call that changes nothing."""
        return await self._call(method, http_verb="GET", params=_given(params))

    async def write(self, method: str, **params: object) -> dict[str, Any]:
        """A call that changes something."""
        return await self._call(method, json=cast("dict[str, Any]", _whole(_given(params))))

    async def form(self, method: str, **params: object) -> dict[str, Any]:
        """A call that wants a form, as some old ones do."""
        return await self._call(method, data=_whole(_given(params)))

    async def post(self, method: str, **params: object) -> str:
        """A call that makes a message; its ts."""
        ts = (await self.write(method, **params)).get("ts")
        if not isinstance(ts, str) or not ts:
            raise FailedError("no ts of the message")
        return ts

    async def identify(self) -> tuple[dict[str, Any], str | None]:
        """Whom the token belongs to, and its scopes, comma-separated, where Slack tells them."""
        answer = await self._ask("auth.test")
        return answer.data, _header(answer.headers, "x-oauth-scopes")

    async def open_connection(self) -> str:
        """The address of a new socket, good for one use."""
        params = {"token": self._app_token}
        found: object = (await self._call("apps.connections.open", params=params)).get("url")
        if not isinstance(found, str) or not found.startswith(("ws://", "wss://")):
            raise FailedError("no address of a socket")
        return found

    async def _call(self, method: str, **how: object) -> dict[str, Any]:
        return (await self._ask(method, **how)).data

    async def _ask(self, method: str, **how: object) -> Any:  # noqa: ANN401  (the SDK is typed in part)
        try:
            return await cast("Any", self).api_call(method, **how)
        except SlackApiError as error:
            raise _reading(error) from None

    async def _request(self, *, http_verb: str, api_url: str, req_args: dict[str, Any]) -> dict[str, Any]:
        """One request, made once; what slack_sdk wants to know of its answer."""
        session = self.open_session()
        try:
            async with session.request(http_verb, api_url, allow_redirects=False, **req_args) as answer:
                content = await answer.read()
        except (ClientConnectorError, ConnectionTimeoutError, InvalidURL) as error:
            raise NotSentError(_redacted(error, self.token)) from error
        except TimeoutError as error:
            raise BrokenError("no answer in time") from error
        except (ClientError, OSError) as error:
            raise BrokenError(_redacted(error, self.token)) from error
        return {"data": _parsed(content), "headers": answer.headers, "status_code": answer.status}

    @asynccontextmanager
    async def transfer(
        self,
        verb: str,
        url: str,
        *,
        token: bool = False,
        **how: Any,  # noqa: ANN401
    ) -> AsyncGenerator[ClientResponse]:
        """A request for the bytes of a file, made once; what is read of the answer is read inside.

        The token is shown if asked for. Raises NotSentError and BrokenError.
        """
        headers = {**how.pop("headers", {}), **({"Authorization": f"Bearer {self.token}"} if token else {})}
        limits = ClientTimeout(total=TRANSFER_SECONDS, connect=CONNECT_SECONDS, sock_read=REQUEST_SECONDS)
        session = self.open_session()
        try:
            async with session.request(
                verb,
                url,
                headers=headers,
                allow_redirects=False,
                timeout=limits,
                proxy=self.proxy,
                **how,
            ) as answer:
                yield answer
        except (ClientConnectorError, ConnectionTimeoutError, InvalidURL) as error:
            raise NotSentError(_redacted(error, self.token)) from error
        except TimeoutError as error:
            raise BrokenError("no answer in time") from error
        except (ClientError, ConnectionError) as error:
            raise BrokenError(_redacted(error, self.token)) from error

    async def end(self) -> None:
        """Close for good: a late request fails instead of opening new connections."""
        self._over = True
        if self._own is not None:
            await self._own.close()


def _given(params: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in params.items() if value is not None}


def _whole(value: object) -> object:
    """What UTF-8 cannot express becomes a question mark; Slack would refuse all of it."""
    match value:
        case str():
            return value.encode(errors="replace").decode()
        case dict():
            return {key: _whole(one) for key, one in cast("dict[str, object]", value).items()}
        case list():
            return [_whole(one) for one in cast("list[object]", value)]
        case _:
            return value


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        found: object = json.loads(content)
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _reading(error: SlackApiError) -> CallError:
    """What slack_sdk's only error means."""
    response = cast("Any", error.response)
    data, status = cast("dict[str, Any]", response.data), cast("int", response.status_code)
    word = data.get("error")
    if status == 429 or word in _LIMITS:
        named = _header(response.headers, "retry-after") or ""
        return LimitError(float(named) if named.isascii() and named.isdigit() else UNNAMED_RETRY_SECONDS)
    if status >= 500 or word in _FAILURES:
        return FailedError(f"{word}" if isinstance(word, str) else f"HTTP status {status}")
    if not isinstance(word, str) or not word:
        return FailedError(f"no answer of the Web API, HTTP status {status}")
    return RefusedError(word, str(data.get("needed") or ""), _detail(data))


def _detail(data: dict[str, Any]) -> str:
    about = data.get("response_metadata")
    said = cast("dict[str, Any]", about).get("messages") if isinstance(about, dict) else None
    return " ".join(str(one) for one in cast("list[Any]", said)) if isinstance(said, list) else ""


def _header(headers: Mapping[str, str], name: str) -> str | None:
    return next((value for key, value in headers.items() if key.lower() == name), None)


def _redacted(error: BaseException, token: str | None) -> str:
    words = f"{type(error).__name__}: {error}"
    return words.replace(token, "<token>") if token else words
