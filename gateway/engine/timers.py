"""Recurring upkeep. The scheduler is only a clock: what is due stands in the ledger.

So a restart loses nothing: each job runs at once when the gateway has started, and then at its interval. One
that still runs when its time comes again is not started twice; missed times are made up by one run.
"""

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from gateway import log
from gateway.ports import Agents, Clock, LedgerUnavailableError, MediaFiles, Store

_log = log.get()

SWEEP_SECONDS = 30.0
RETENTION_SECONDS = 3600.0
BITE = 200
"""How many sessions one transaction ends at most."""

SPAN = 500
"""How many sessions one transaction looks at when old ones are forgotten."""


@dataclass(frozen=True, slots=True)
class UpkeepPolicy:
    """In seconds; None switches a thing off. `freshness` is after how long an interruption is not resumed,
    `media` how long the gateway's copies of files are kept.
    """

    freshness: float
    idle_reset: float | None = None
    retention: float | None = None
    media: float | None = None


class Timers:
    """Runs upkeep until cancelled."""

    def __init__(
        self,
        ledger: Store,
        agents: Agents,
        clock: Clock,
        policy: UpkeepPolicy,
        files: MediaFiles | None = None,
    ) -> None:
        self._ledger = ledger
        self._files = files
        self._agents = agents
        self._clock = clock
        self._policy = policy

    def reconfigure(self, policy: UpkeepPolicy) -> None:
        """What counts when each job's time comes again."""
        self._policy = policy

    async def run(self) -> None:
        """Start the clock; it runs on this event loop."""
        # Imported here: it takes a tenth of a second that a cold start does not have.
        module = await asyncio.to_thread(importlib.import_module, "apscheduler.schedulers.asyncio")
        scheduler: Any = module.AsyncIOScheduler(
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        jobs: list[tuple[Callable[[], Awaitable[None]], float]] = [
            (self.sweep, SWEEP_SECONDS),
            (self.forget_old, RETENTION_SECONDS),
            (self.forget_files, RETENTION_SECONDS),
        ]
        for job, seconds in jobs:
            await job()
            scheduler.add_job(job, "interval", seconds=seconds)
        scheduler.start()
        try:
            await asyncio.Event().wait()
        finally:
            scheduler.shutdown(wait=False)

    async def sweep(self) -> None:
        """End idle conversations, and let resumes lapse that waited too long."""
        now = self._clock.now()
        try:
            lapsed = await self._ledger.expire_resumes(now - self._policy.freshness)
            reset = await self._ledger.reset_idle(now, BITE) if self._policy.idle_reset is not None else ()
        except LedgerUnavailableError as error:
            _log.debug("upkeep.postponed", why=str(error))
            return
        for session_id in reset:
            await self._agents.forget(session_id)
        if lapsed or reset:
            _log.info("upkeep.swept", lapsed=lapsed, reset=len(reset))

    async def forget_old(self) -> None:
        """Delete conversations that nobody used for longer than the retention time."""
        if self._policy.retention is None:
            return
        before = self._clock.now() - self._policy.retention
        following: int | None = 0
        total = 0
        try:
            while following is not None:
                gone, following = await self._ledger.forget(before, following, SPAN)
                total += gone
        except LedgerUnavailableError as error:
            _log.debug("upkeep.postponed", why=str(error))
        if total:
            _log.info("upkeep.forgotten", sessions=total)

    async def forget_files(self) -> None:
        """Delete copies of files that are older than their retention time and not in use."""
        if self._policy.media is None or self._files is None:
            return
        # Asked before the folder is read: what comes into use meanwhile is too young to go.
        before = self._clock.now() - self._policy.media
        try:
            in_use = await self._ledger.files_in_use()
            gone = await asyncio.to_thread(self._files.sweep, before, in_use)
        except (OSError, LedgerUnavailableError) as error:
            _log.warning("media.not_swept", why=str(error))
            return
        if gone:
            _log.info("media.swept", files=gone)
