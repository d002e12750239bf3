"""Keeps every account connected, each on its own."""

import asyncio
from collections.abc import Mapping

from gateway import log
from gateway.engine.intake import Intake
from gateway.ports import ChatAdapter, Clock, Past
from gateway.rules.retry import backoff

_log = log.get()

AGAIN_SECONDS = 300.0
"""After how long an account that its platform has refused is tried again: a token may be made valid again,
and what stands between may have answered in the platform's name."""


class Helpless:
    """The accounts that are refused right now. When all of them are, nothing is left to wait for."""

    def __init__(self, accounts: int, again: float) -> None:
        self._accounts = accounts
        self._again = again
        self._refused: set[str] = set()
        self._all = asyncio.Event()

    async def wait(self, account: str) -> bool:
        """Wait until it is time to try an account again; true when there is no more sense in that."""
        self._refused.add(account)
        if len(self._refused) == self._accounts:
            self._all.set()
        try:
            async with asyncio.timeout(self._again):
                await self._all.wait()
        except TimeoutError:
            self._refused.discard(account)
            return False
        return True


async def connect_all(
    adapters: Mapping[str, ChatAdapter],
    intake: Intake,
    pasts: Mapping[str, Past],
    clock: Clock,
    again: float = AGAIN_SECONDS,
) -> None:
    """Keep every account connected. Returns only when all are beyond help."""
    helpless = Helpless(len(adapters), again)
    async with asyncio.TaskGroup() as group:
        for name, adapter in adapters.items():
            work = _keep_connected(name, adapter, intake, pasts[name], clock, helpless)
            group.create_task(work, name=name)


async def _keep_connected(
    account: str, adapter: ChatAdapter, intake: Intake, past: Past, clock: Clock, helpless: Helpless
) -> None:
    """Run one account. A crash of its adapter is that account's alone."""
    attempt = 0
    try:
        while True:
            try:
                await adapter.run(intake, past)
            except Exception:  # noqa: BLE001  supervisor: other accounts go on
                attempt += 1
                _log.exception("account.crashed", account=account, attempt=attempt)
                intake.lost(account, "its adapter failed; the log says how, and it is being connected again")
                await clock.sleep(backoff(attempt, first=1.0, cap=60.0))
            else:
                if await helpless.wait(account):
                    return
                _log.info("account.tried_again", account=account)
    finally:
        await adapter.close()
