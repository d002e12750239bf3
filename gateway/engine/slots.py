"""How much may go on at once, where that number may change meanwhile."""

import asyncio
from collections import deque
from types import TracebackType


class Slots:
    """So many may be inside at once; who waits gets in by turns. Use it as an async context manager.

    With fewer slots than are taken nobody is thrown out: the next one gets in when enough have left.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def resize(self, limit: int) -> None:
        """From now on so many."""
        self._limit = limit
        self._let_in()

    async def __aenter__(self) -> None:
        if self._taken < self._limit:
            self._taken += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it was let in at the same moment
                self._leave()
            raise

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        self._taken -= 1
        self._let_in()

    def _let_in(self) -> None:
        """A slot is taken for whoever is let in, before he knows: nobody gets ahead of him.

        Who gave up stays in the queue until it is his turn.
        """
        while self._waiting and self._taken < self._limit:
            turn = self._waiting.popleft()
            if not turn.cancelled():
                self._taken += 1
                turn.set_result(None)
