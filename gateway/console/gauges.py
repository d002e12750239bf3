"""What is so at the moment at which somebody asks for /metrics."""

import asyncio
import math
from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from gateway import log
from gateway.console.census import OTHER
from gateway.console.metrics import Meters
from gateway.model.operation import GatewayStatus, Phase
from gateway.model.overview import Overview
from gateway.model.session import Reason
from gateway.ports import Clock, Operations

_log = log.get()

STATES = ("pending", "sending", "unknown", "held", "rejected")
"""States of deliveries that are always there, at 0 if need be."""

READ_SECONDS = 5.0
"""How long the ledger may take to say what is owed, before the rest is told without it."""

_UNKNOWN = math.nan


class Gauges:
    """Everything that is read and not counted."""

    def __init__(
        self,
        meters: Meters,
        operations: Operations,
        overview: Callable[[], Awaitable[Overview]],
        clock: Clock,
    ) -> None:
        self._meters = meters
        self._operations = operations
        self._overview = overview
        self._clock = clock
        self._one = asyncio.Lock()
        self._reasons = frozenset(reason.value for reason in Reason)
        began = clock.now() - operations.status().uptime
        meters.gauge("carryon_boot_started_timestamp_seconds").set(began)

    async def expose(self) -> bytes:
        """All metrics as Prometheus reads them. One at a time, however many ask."""
        async with self._one:
            self._set_overview(await self._read())
            self._set_status(self._operations.status())  # which knows of damage that was just found
            # In a thread: it is a few milliseconds of work, which no chat should wait for.
            return await asyncio.to_thread(generate_latest, self._meters.registry)

    async def _read(self) -> Overview | None:
        """What is owed; None where the ledger does not say, so that all the rest is told."""
        try:
            async with asyncio.timeout(READ_SECONDS):
                return await self._overview()
        except Exception as error:  # noqa: BLE001  supervisor: a ledger that cannot be read must not hide the rest
            _log.warning("metrics.ledger_unreadable", why=f"{type(error).__name__}: {error}")
            return None

    def _set_status(self, status: GatewayStatus) -> None:
        set_to = self._set
        for account in status.accounts:
            set_to("carryon_account_connected", account.connected, account.name)
        set_to("carryon_ledger_writable", status.ledger_writable)
        set_to("carryon_ledger_damaged", status.ledger_damaged)
        set_to("carryon_draining", status.phase is not Phase.SERVING)
        set_to("carryon_breaker_open", status.breaker_open)
        set_to("carryon_lanes", status.lanes)
        set_to("carryon_turns_running", len(status.running))
        config = status.config
        set_to("carryon_config_reload_ok", config is None or not config.problems)
        set_to("carryon_config_needs_restart", config is not None and bool(config.needs_restart))

    def _set_overview(self, found: Overview | None) -> None:
        """What is not known is NaN: no alert takes it for a number, and no graph for nothing."""
        set_to, now = self._set, self._clock.now()
        set_to("carryon_messages_waiting", found.waiting if found else _UNKNOWN)
        set_to(
            "carryon_oldest_message_waiting_seconds", _age(found.waiting_since, now) if found else _UNKNOWN
        )
        set_to("carryon_oldest_delivery_seconds", _age(found.owed_since, now) if found else _UNKNOWN)
        set_to("carryon_sessions_suspended", found.suspended if found else _UNKNOWN)
        for state in STATES:
            set_to("carryon_deliveries", found.deliveries.get(state, 0) if found else _UNKNOWN, state)
        pending = dict.fromkeys((*self._reasons, OTHER), 0 if found else _UNKNOWN)
        for reason, count in found.pending_by_reason.items() if found else ():
            pending[reason if reason in self._reasons else OTHER] += count
        for reason, count in pending.items():
            set_to("carryon_sessions_resume_pending", count, reason)

    def _set(self, name: str, value: float, *labels: str) -> None:
        self._meters.gauge(name, *labels).set(value)


def routes(gauges: Gauges) -> list[web.AbstractRouteDef]:
    """`/metrics`."""

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=await gauges.expose(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    return [web.get("/metrics", metrics)]


def _age(since: float | None, now: float) -> float:
    return 0.0 if since is None else max(0.0, now - since)
