"""Getting a file that somebody sent, from Discord's servers of files.

Those are other servers than the API: they never see the bot's token, and nothing else is ever fetched from
whatever a message says its address is. An address that is too old is asked for anew.
"""

import asyncio
from pathlib import Path
from typing import Final

from aiohttp import ClientError, ClientResponse
from yarl import URL

from adapters.discord.attachments import Ref, read_ref, url_of
from adapters.discord.rest import Answer, Rest
from gateway.model.attachment import Attachment, Fetched, FetchFailed, FetchOutcome

HOSTS: Final = frozenset({"cdn.discordapp.com", "media.discordapp.net"})
"""Where Discord keeps files."""

PIECE = 128 * 1024
_GONE: Final = frozenset({403, 404, 410})

TOO_LARGE = FetchFailed("the file is too large")
LOST = FetchFailed("Discord no longer has the file")
ELSEWHERE = FetchFailed("the file is not on Discord's own servers")
NOWHERE = FetchFailed("nobody knows any more where the file is")
CUT = FetchFailed("the connection to Discord broke", again=True)


class Files:
    """The files of one account's messages. `api_url` may name another server, which then has the files."""

    def __init__(self, rest: Rest, api_url: str | None) -> None:
        self._rest = rest
        self._server = None if api_url is None else URL(api_url).origin()

    async def fetch(self, attachment: Attachment, into: Path, limit: int) -> FetchOutcome:
        """See `gateway.ports.Receiving.fetch`."""
        ref = read_ref(attachment.ref)
        if ref is None:
            return NOWHERE
        if attachment.size is not None and attachment.size > limit:
            return TOO_LARGE
        found = await self._download(ref.url, into, limit, attachment.size)
        if found is not LOST:
            return found
        url = await self._fresh(ref)
        if isinstance(url, FetchFailed):
            return url
        return await self._download(url, into, limit, attachment.size)

    async def _fresh(self, ref: Ref) -> str | FetchFailed:
        """The address that is good now; the message has it."""
        reply = await self._rest.call("GET", f"/channels/{ref.channel}/messages/{ref.message}")
        if not isinstance(reply, Answer):
            return CUT
        if reply.good and reply.fields:
            return url_of(reply.fields, ref.file) or LOST
        if reply.status in {403, 404} and reply.code:
            return LOST
        return FetchFailed("Discord does not say where the file is now", again=True)

    def _known(self, url: URL) -> bool:
        if self._server is not None and url.absolute and url.origin() == self._server:
            return True
        return url.scheme == "https" and url.host in HOSTS and url.port == 443

    async def _download(self, address: str, into: Path, limit: int, size: int | None) -> FetchOutcome:
        try:
            url = URL(address)
            if not self._known(url):
                return ELSEWHERE
            async with self._rest.download(url) as answer:
                if answer.status in _GONE:
                    return LOST
                if answer.status != 200:
                    return FetchFailed(f"Discord's server of files is failing ({answer.status})", again=True)
                if answer.content_length is not None and answer.content_length > limit:
                    return TOO_LARGE
                return await _write(answer, into, limit, size)
        except ValueError:  # which no address is
            return ELSEWHERE
        except (ClientError, TimeoutError, ConnectionError):
            return CUT
        except OSError as error:
            return FetchFailed(f"the file could not be written to the disk ({error.strerror})", again=True)


async def _write(answer: ClientResponse, into: Path, limit: int, size: int | None) -> FetchOutcome:
    """What comes is counted: a server need not say, nor say truly, how much it is."""
    file = await asyncio.to_thread(into.open, "xb")
    written = 0
    try:
        async for piece in answer.content.iter_chunked(PIECE):
            written += len(piece)
            if written > limit:
                return TOO_LARGE
            await asyncio.to_thread(file.write, piece)
    finally:
        await asyncio.shield(asyncio.to_thread(file.close))
    return CUT if size is not None and written < size else Fetched(written)
