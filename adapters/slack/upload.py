"""Sending a file, in Slack's three steps: ask for an address, put the bytes there, have them shown.

Only the last step shows anything, so whatever fails before it has sent nothing. Slack shows the file a little
later and does not say as which message; that is asked for, for a short while. A file that is not shown by
then is known by its own id instead of a message's: the two cannot be mistaken for each other.
"""

import asyncio
import io
from pathlib import Path

from adapters.labels import REPEAT_LABEL
from adapters.slack.client import CallError, Client, FailedError, LimitError, RefusedError
from adapters.slack.files import is_ts, shared_as
from adapters.slack.markup import escaped
from adapters.slack.outcomes import outcome, retry_seconds
from adapters.slack.payload import part_of, parts_of, text_of
from gateway.model.attachment import OutFile
from gateway.model.delivery import Delivered, Delivery, Rejected, RetryAfter, SendOutcome
from gateway.ports import Clock

FILE_LIMIT = 1_000_000_000
"""What Slack takes, in bytes."""

LANDING = (0.2, 0.4, 0.8, 1.6)
"""How long it is waited before asking again which message shows a file, in seconds."""

_LOST = "file_not_found"  # of what was put there, Slack knows nothing
_ATTEMPTS = 3


class Uploads:
    """The files that one account sends."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def send(self, delivery: Delivery, file: OutFile) -> SendOutcome:
        """Send it, once."""
        try:
            file_id = await self._put(file)
        except (OSError, ValueError):
            return Rejected("the file is not there any more, or cannot be read")
        except (LimitError, RefusedError) as error:
            return outcome(error, delivery.attempt)
        except CallError as error:
            return RetryAfter(retry_seconds(delivery.attempt), f"it could not be uploaded: {error}")
        if not file_id:
            return Rejected("the file is empty, which Slack does not take")
        try:
            ts = await self._show(delivery, file, file_id)
        except RefusedError as error:
            if error.word == _LOST and delivery.attempt < _ATTEMPTS:
                return RetryAfter(retry_seconds(delivery.attempt), "Slack lost the upload")
            return outcome(error, delivery.attempt)
        except CallError as error:
            return outcome(error, delivery.attempt)
        return Delivered(ts or await self._landed(file_id, delivery.route.chat))

    async def _put(self, file: OutFile) -> str:
        """Bring the bytes to Slack; the file's id, empty for an empty file. Nobody sees anything of it."""
        opened = await asyncio.to_thread(Path(file.path).open, "rb")
        with opened:
            length = await asyncio.to_thread(opened.seek, 0, io.SEEK_END)
            await asyncio.to_thread(opened.seek, 0)
            if not length:
                return ""
            place = await self._client.form("files.getUploadURLExternal", filename=file.name, length=length)
            url, file_id = place.get("upload_url"), place.get("file_id")
            if not isinstance(url, str) or not isinstance(file_id, str) or not url or not file_id:
                raise FailedError("no address to upload to")
            headers = {"Content-Type": "application/octet-stream"}
            async with self._client.transfer("POST", url, data=opened, headers=headers) as answer:
                await answer.read()
                if answer.status != 200:
                    raise FailedError(f"HTTP status {answer.status}")
        return file_id

    async def _show(self, delivery: Delivery, file: OutFile, file_id: str) -> str:
        """The step that is seen; the ts of the message where Slack tells it already. Raises CallError."""
        answer = await self._client.write(
            "files.completeUploadExternal",
            files=[{"id": file_id, "title": file.name}],
            channel_id=delivery.route.chat,
            thread_ts=delivery.route.thread or None,
            initial_comment=caption(delivery) or None,
        )
        shown = (one for one in parts_of(answer, "files") if text_of(one, "id") == file_id)
        return next((shared_as(one, delivery.route.chat) for one in shown), "")

    async def _landed(self, file_id: str, chat: str) -> str:
        """The ts of the message that shows a file, or the file's id while that cannot be said."""
        for wait in (*LANDING, None):
            ts = await shown_as(self._client, file_id, chat)
            if ts or wait is None:
                return ts or file_id
            await self._clock.sleep(wait)
        return file_id


def caption(delivery: Delivery) -> str:
    """What stands with the file. Slack reads no Markdown there."""
    return escaped(REPEAT_LABEL + delivery.body if delivery.doubtful else delivery.body)


async def shown_as(client: Client, file_id: str, chat: str) -> str:
    """The ts of the message that shows a file; empty when that cannot be had."""
    if is_ts(file_id):
        return file_id
    try:
        answer = await client.read("files.info", file=file_id)
    except CallError:
        return ""
    return shared_as(part_of(answer, "file"), chat)
