"""What Slack leaves out of a message: what people are called, and at times what its files are.

The latter is so in channels that are shared with another workspace. It is not waited for long: a file that is
not told of now is asked for again when it is fetched.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from adapters.slack.client import CallError, Client
from adapters.slack.files import untold
from adapters.slack.names import Names
from adapters.slack.payload import Payload, part_of, parts_of, text_of
from adapters.slack.translate import Said

PATIENCE_SECONDS = 3.0
"""How long one message waits for it."""


class Details:
    """What has to be asked for before a message can be translated."""

    def __init__(self, client: Client, names: Names) -> None:
        self._client = client
        self.names = names

    async def of(self, message: Said) -> tuple[Said, Mapping[str, str]]:
        """The same message, whole, and the names of the people in it."""
        return await self.whole(message), await self.names.of(message.people)

    async def whole(self, message: Said) -> Said:
        """The same message, with what could be found out about its files."""
        files = parts_of(message.fields, "files")
        if message.from_bot or not any(untold(one) for one in files):
            return message
        known: dict[str, Payload] = {}
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                for one in files:
                    if untold(one):
                        known[text_of(one, "id")] = await self._ask(one)
        except (TimeoutError, CallError):
            pass  # the rest is asked for later
        whole = [known.get(text_of(one, "id"), one) for one in files]
        return replace(message, fields={**message.fields, "files": whole})

    async def _ask(self, file: Payload) -> Payload:
        answer = await self._client.read("files.info", file=text_of(file, "id"))
        return part_of(answer, "file") or file
