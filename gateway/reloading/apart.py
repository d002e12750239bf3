"""Questions to a file system that may never answer, as one on a network that is gone."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

ANSWER_SECONDS: Final = 30.0
"""How long an answer is waited for. Many times what a slow disk takes."""

T = TypeVar("T")


class Apart:
    """Calls what blocks in a thread that keeps nothing from ending: neither the loop nor the process.

    The loop's own threads are waited for when it closes, and one that hangs in the kernel never comes back.
    """

    def __init__(self, name: str, seconds: float = ANSWER_SECONDS) -> None:
        self._name = name
        self._seconds = seconds
        self._stuck: threading.Thread | None = None

    async def call(self, job: Callable[[], T]) -> T:
        """What the job returns or raises; `TimeoutError` without an answer, at once if an earlier one hangs.

        So no more than one thread is ever lost, however often it is tried.
        """
        if self._stuck is not None and self._stuck.is_alive():
            raise TimeoutError
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def settle(act: Callable[[], None]) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(lambda: None if answer.done() else act())

        def work() -> None:
            try:
                found = job()
            except Exception as error:  # noqa: BLE001  every error belongs to the caller and is carried to it
                carried = error
                settle(lambda: answer.set_exception(carried))
            else:
                settle(lambda: answer.set_result(found))

        self._stuck = threading.Thread(target=work, name=self._name, daemon=True)
        self._stuck.start()
        try:
            async with asyncio.timeout(self._seconds):
                return await answer
        finally:
            if not answer.cancelled():
                self._stuck = None
