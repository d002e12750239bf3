"""Discord's REST API as this adapter calls it: one request, made once, and what came of it as a value.

The SDK's own HTTP client repeats what failed half-way, which hides the one thing that a durable outbox has to
know: whether a message may have been sent. So requests are made here. A request that certainly never left is
told apart from one whose outcome is unknown. Every account has its own session and its own addresses.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from io import BufferedReader

import aiohttp
from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientTimeout,
    ConnectionTimeoutError,
    InvalidURL,
)
from yarl import URL

from adapters.discord.payloads import Json, mapping
from adapters.discord.sdk import DEFAULT_API, VERSION

CONNECTIONS = 128
CONNECT_SECONDS = 10
REQUEST_SECONDS = 30
SOCKET_CLOSE_SECONDS = 2
"""How long the other side of a websocket may take to say goodbye."""

_AGENT = f"DiscordBot (https://github.com/Rapptz/discord.py, {VERSION}) Carryon"
_REASON_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered. `body` is None where it was no JSON; `seconds` is the wait that a 429 named.

    `code` and `message` are Discord's own, in a refusal.
    """

    status: int
    body: object = None
    code: int = 0
    message: str = ""
    seconds: float | None = None

    @property
    def good(self) -> bool:
        """Whether it was carried out."""
        return 200 <= self.status < 300

    @property
    def slow_down(self) -> bool:
        """Whether it came too soon."""
        return self.status == 429

    @property
    def fields(self) -> Json:
        """The body as an object; empty for anything else."""
        return mapping(self.body)


@dataclass(frozen=True, slots=True)
class NotSent:
    """The request never left: no name, no connection, no certificate. Sending it again repeats nothing."""

    detail: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The connection broke, or nothing was answered in time: it may have been carried out."""

    detail: str


Reply = Answer | NotSent | Broken


@dataclass(frozen=True, slots=True)
class Upload:
    """An open file that goes with a request. It is read while it is sent, and closed by whoever opened it."""

    file: BufferedReader
    name: str
    mime: str


class Rest:
    """The requests of one account. After `end`, nothing is sent any more."""

    def __init__(self, token: str, api_url: str | None) -> None:
        self._token = token
        self._base = api_url or DEFAULT_API
        self._session: aiohttp.ClientSession | None = None
        self._over = False

    async def call(
        self,
        verb: str,
        path: str,
        body: Json | Sequence[Json] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        seconds: float = REQUEST_SECONDS,
        upload: Upload | None = None,
    ) -> Reply:
        """One request, made once. `seconds` holds for all of it."""
        if self._over:
            return NotSent("the account is being closed")
        headers = {"Authorization": f"Bot {self._token}"}
        data: bytes | aiohttp.FormData | None = None
        if body is not None:
            # What UTF-8 cannot express becomes a question mark.
            data = json.dumps(body, ensure_ascii=False).encode(errors="replace")
            if upload is not None:
                data = _form(data, upload)
            else:
                headers["Content-Type"] = "application/json"
        limits = ClientTimeout(total=seconds, connect=CONNECT_SECONDS)
        try:
            async with self._open().request(
                verb,
                self._base + path,
                params=query,
                data=data,
                headers=headers,
                timeout=limits,
                allow_redirects=False,
            ) as answer:
                return _read(answer.status, answer.headers, await answer.read())
        except (ClientConnectorError, ConnectionTimeoutError, InvalidURL) as error:
            return NotSent(self._redacted(error))
        except TimeoutError:
            return Broken("no answer in time")
        except (ClientError, OSError) as error:
            return Broken(self._redacted(error))

    def download(self, url: URL) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Ask another server for a file, without the token. Raises what aiohttp raises."""
        if self._over:
            raise ConnectionAbortedError("the account is being closed")
        limits = ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_read=REQUEST_SECONDS)
        headers = {"Accept-Encoding": "identity"}
        return self._open().get(url, headers=headers, timeout=limits, allow_redirects=False)

    async def websocket(self, url: str) -> aiohttp.ClientWebSocketResponse:
        """Open a websocket. Raises what aiohttp raises."""
        if self._over:
            raise ConnectionAbortedError("the account is being closed")
        return await self._open().ws_connect(
            url,
            max_msg_size=0,
            autoclose=False,
            timeout=aiohttp.ClientWSTimeout(ws_close=SOCKET_CLOSE_SECONDS),  # pyright: ignore[reportCallIssue]
        )

    async def end(self) -> None:
        """Close for good: a late request fails instead of opening new connections."""
        self._over = True
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": _AGENT},
                loop=asyncio.get_running_loop(),
            )
        return self._session

    def _redacted(self, error: BaseException) -> str:
        text = f"{type(error).__name__}: {error}".replace(self._token, "<token>")
        return " ".join(text.split())[:_REASON_LIMIT]


def _form(payload: bytes, upload: Upload) -> aiohttp.FormData:
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("payload_json", payload.decode(), content_type="application/json")
    form.add_field("files[0]", upload.file, filename=upload.name, content_type=upload.mime)
    return form


def _read(status: int, headers: Mapping[str, str], content: bytes) -> Answer:
    body: object = None
    if headers.get("Content-Type", "").partition(";")[0].strip() == "application/json":
        try:
            body = json.loads(content)
        except ValueError:  # which bad UTF-8 is as well
            body = None
    if status < 400:
        return Answer(status, body)
    fields = mapping(body)
    code, message = fields.get("code"), fields.get("message")
    wait = fields.get("retry_after", headers.get("Retry-After"))
    return Answer(
        status,
        body,
        code=code if isinstance(code, int) else 0,
        message=" ".join(message.split())[:_REASON_LIMIT] if isinstance(message, str) else "",
        seconds=_seconds(wait) if status == 429 else None,
    )


def _seconds(wait: object) -> float | None:
    try:
        seconds = float(wait) if isinstance(wait, (int, float, str)) else -1.0
    except ValueError:
        return None
    return seconds if 0 <= seconds < 1e9 else None
