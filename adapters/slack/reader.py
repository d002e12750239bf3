"""Reading from Slack, with patience: what passes is waited out, what does not is raised.

A rate limit is waited for exactly as long as Slack says. Whoever reads a conversation back holds up its new
messages meanwhile, so that nothing overtakes.
"""

from collections.abc import AsyncGenerator, Callable
from typing import Any, cast

from adapters.offering import Backoff
from adapters.slack.client import CallError, Client, RefusedError
from adapters.slack.outcomes import Trouble, trouble
from gateway.ports import Clock

PAGE = 200
"""Items of one page, as many as Slack recommends at most."""


class Reader:
    """The calls that read. `tell` hears of every trouble that is waited out."""

    def __init__(self, client: Client, clock: Clock, tell: Callable[[Trouble], None]) -> None:
        self._client = client
        self._clock = clock
        self._tell = tell

    async def ask(self, method: str, **params: object) -> dict[str, Any]:
        """The answer, however long it takes. Raises RefusedError alone."""
        backoff = Backoff()
        while True:
            try:
                return await self._client.read(method, **params)
            except RefusedError:
                raise
            except CallError as error:
                found = trouble(error)
            self._tell(found)
            await self._clock.sleep(backoff.next() if found.seconds is None else found.seconds)

    async def pages(self, method: str, part: str, **params: object) -> AsyncGenerator[list[dict[str, Any]]]:
        """The items of every page, in Slack's order."""
        cursor: str | None = None
        while True:
            answer = await self.ask(method, cursor=cursor, limit=PAGE, **params)
            yield items(answer, part)
            cursor = following(answer)
            if not cursor:
                return


def items(answer: dict[str, Any], part: str) -> list[dict[str, Any]]:
    """The objects that an answer lists."""
    found = answer.get(part)
    listed = cast("list[object]", found) if isinstance(found, list) else []
    return [cast("dict[str, Any]", one) for one in listed if isinstance(one, dict)]


def following(answer: dict[str, Any]) -> str:
    """The cursor of the next page; empty at the end."""
    about = answer.get("response_metadata")
    cursor = cast("dict[str, Any]", about).get("next_cursor") if isinstance(about, dict) else None
    return cursor if isinstance(cursor, str) else ""
