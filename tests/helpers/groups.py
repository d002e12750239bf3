"""Task groups that end with their block, like a process that is killed."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class _Over(Exception):  # noqa: N818
    """Ends what is left in the group."""


def _end() -> None:
    raise _Over


@asynccontextmanager
async def killed_group() -> AsyncGenerator[asyncio.TaskGroup]:
    """A task group whose tasks are cancelled when the block is left."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
            _end()
    except* _Over:
        pass
