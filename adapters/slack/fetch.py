"""Fetching a file that somebody sent.

Slack hands files out to whoever shows the bot's token, and to others a page that asks them to log in, which
is no file. The token is shown to Slack alone, whatever address a message names.
"""

import asyncio
import re
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from aiohttp import ClientResponse

from adapters.slack.client import CallError, Client, LimitError, RefusedError
from adapters.slack.files import address_of, read_ref
from adapters.slack.outcomes import BAD_TOKEN
from adapters.slack.payload import part_of
from gateway.model.attachment import Attachment, Fetched, FetchFailed, FetchOutcome

HOPS = 4
"""How often Slack may send on from one address to another."""

_CHUNK = 256 * 1024
_SLACK = re.compile(r"https://(?:[a-z0-9-]+\.)*slack\.com(?::443)?/[!-\[\]-~]*", re.ASCII)
_MOVED = frozenset({301, 302, 303, 307, 308})
_LOGIN = re.compile(r"[?&]redir=")  # the page that asks to log in says what for
_PAGE = "text/html"
_NO_SCOPE = (
    "the app may not read files: add the scope files:read under OAuth & Permissions and install it again"
)
_NO_FILE = (
    "Slack shows a page in its place: the app seems to lack the scope files:read; add it under OAuth & "
    "Permissions and install it again"
)
_GONE = "the file was deleted in Slack"
_OUTSIDE = "it is kept outside of Slack, and only a link to it was sent"
_WORDS = {
    "file_deleted": _GONE,
    "file_not_found": _GONE,
    "missing_scope": _NO_SCOPE,
    "not_allowed_token_type": _NO_SCOPE,
}


class Stop(Exception):  # noqa: N818 - a way out, not an error
    """It cannot be had; with what is told of it."""

    def __init__(self, reason: str, *, again: bool = False) -> None:
        super().__init__(reason)
        self.failed = FetchFailed(reason, again)


async def fetch(client: Client, attachment: Attachment, into: Path, limit: int) -> FetchOutcome:
    """Write the file to `into`."""
    if attachment.size is not None and attachment.size > limit:
        return _too_large(limit).failed
    file_id, url = read_ref(attachment.ref)
    if not file_id:
        return FetchFailed("Slack knows no such file")
    try:
        return await _follow(client, url or await _ask(client, file_id), attachment, into, limit)
    except Stop as stop:
        return stop.failed
    except LimitError:
        return FetchFailed("Slack asks to slow down", again=True)
    except RefusedError as error:
        if error.word in BAD_TOKEN and error.word not in _WORDS:
            return FetchFailed("Slack does not accept the bot token", again=True)
        return FetchFailed(_WORDS.get(error.word, f"Slack does not hand it out: {error.word}"))
    except CallError:
        return FetchFailed("the connection to Slack broke", again=True)
    except OSError as error:
        return FetchFailed(f"it could not be written to the disk: {error.strerror}", again=True)


def trusted(url: str, api_url: str) -> bool:
    """Whether the token may be shown at an address: Slack's own, or that of the server in Slack's place."""
    if _SLACK.fullmatch(url):
        return True
    own = urlsplit(api_url)
    return url.startswith(f"{own.scheme}://{own.netloc}/")


async def _ask(client: Client, file_id: str) -> str:
    """The address of a file that came without one."""
    file = part_of(await client.read("files.info", file=file_id), "file")
    if file.get("is_external"):
        raise Stop(_OUTSIDE)
    url = address_of(file)
    if not url:
        raise Stop("Slack does not let the app have this file")
    return url


async def _follow(client: Client, url: str, attachment: Attachment, into: Path, limit: int) -> Fetched:
    if not trusted(url, client.base_url):
        raise Stop(_OUTSIDE)
    for _ in range(HOPS):
        shown = trusted(url, client.base_url)
        async with client.transfer("GET", url, token=shown) as answer:
            if answer.status not in _MOVED:
                _check(answer, attachment)
                return await _save(answer, attachment, into, limit)
            url = onward(url, answer.headers.get("Location", ""), client.base_url)
    raise Stop("Slack sends from one address to the next")


def onward(url: str, location: str, api_url: str) -> str:
    """Where Slack sends on to: never to the page for people, and never to a place that others read along."""
    to = urljoin(url, location)
    if _LOGIN.search(to):
        raise Stop(_NO_FILE)
    if not to.startswith("https://") and not trusted(to, api_url):
        raise Stop("Slack sends on to an address that is not safe")
    return to


def _check(answer: ClientResponse, attachment: Attachment) -> None:
    if answer.status == 429 or answer.status >= 500:
        raise Stop("Slack fails to hand it out", again=True)
    if answer.status in (404, 410):
        raise Stop(_GONE)
    if answer.status in (401, 403):
        raise Stop(_NO_SCOPE)
    if answer.status != 200:
        raise Stop(f"Slack does not hand it out (HTTP status {answer.status})")
    if attachment.mime != _PAGE and _is_page(answer):
        raise Stop(_NO_FILE)


def _is_page(answer: ClientResponse) -> bool:
    named = answer.headers.get("Content-Disposition", "").lower().startswith("attachment")
    return answer.content_type == _PAGE and not named


async def _save(answer: ClientResponse, attachment: Attachment, into: Path, limit: int) -> Fetched:
    if answer.content_length is not None and answer.content_length > limit:
        raise _too_large(limit)
    size = 0
    with await asyncio.to_thread(into.open, "xb") as file:
        async for chunk in answer.content.iter_chunked(_CHUNK):
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            await asyncio.to_thread(file.write, chunk)
    if _is_page(answer) and attachment.size not in (None, size):
        raise Stop(_NO_FILE)
    return Fetched(size)


def _too_large(limit: int) -> Stop:
    shown = f"{limit // 1_000_000} MB" if limit >= 1_000_000 else f"{limit} bytes"
    return Stop(f"it is larger than {shown}")
