"""Those who watch a gateway: the HTTP server with its metrics and page, and traces.

They begin after the first poll, because the libraries that they need take a while to be imported, and are
told then what they missed. Whatever happens to them, people in chats do not notice.
"""

import asyncio
import contextlib
import importlib
import json
from collections.abc import Callable, Coroutine
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from gateway import log
from gateway.composition import Gateway
from gateway.config.models import Config
from gateway.extras import INSTALL, can_trace
from gateway.key import state_key
from gateway.model.boot import BootOpening
from gateway.model.browsing import LedgerUnreadableError
from gateway.model.happening import Started, Witness
from gateway.model.operation import CONNECTING
from gateway.model.overview import BootEnd, Restart
from gateway.model.session import Reason
from gateway.policies import ledger_place, resume_policy
from gateway.ports import Clock, Operations, Store
from gateway.rules.recovery import recover
from gateway.witness import Ear, told

if TYPE_CHECKING:
    from gateway.console.census import Census
    from gateway.store.browsing import Browsing

_log = log.get()

FIRST_POLL_SECONDS = 3.0
"""How long platforms may take to connect, until watching begins all the same."""

LOOK_SECONDS = 0.05
READ_SECONDS = 60.0
"""How often the ledger is read in any case."""

LOOKED_BACK = 10
"""Runs in which it is looked up which interrupted turns had gone on with others."""

IMPORTED = ("gateway.console.gauges", "gateway.console.page.site", "gateway.console.server")
"""What brings the libraries of the HTTP server with it."""

DRAINED_FILE = "drained.json"
"""How long the last stop took: only the process after it can tell anybody."""


class Watching:
    """The watchers of one gateway. `saw` is to be told what happens, from the first moment on."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._counted = None if config.http.listen is None else Ear()
        self._traced = None if config.telemetry.otlp is None else Ear()
        ears = [ear for ear in (self._counted, self._traced) if ear is not None]
        self._any = bool(ears)
        self.saw: Witness = told(ears)

    def with_news(self, swap: Callable[[Config], None]) -> Callable[[Config], None]:
        """The same, and the config that counts from then on is known here."""

        def both(config: Config) -> None:
            swap(config)
            self._config = config

        return both

    async def run(self, gateway: Gateway, store: Store, opening: BootOpening) -> None:
        """Watch until cancelled. To be called when the gateway serves."""
        if not self._any:
            return
        served_at = self._clock.now()
        await self._first_poll(gateway.operations)
        ears = [ear for ear in (self._counted, self._traced) if ear is not None]
        await self._supervised(self._watch(gateway, store, opening, served_at), *ears)

    async def _first_poll(self, operations: Operations) -> None:
        end = self._clock.monotonic() + FIRST_POLL_SECONDS
        while self._clock.monotonic() < end:
            accounts = operations.status().accounts
            if not any(not account.connected and account.why == CONNECTING for account in accounts):
                return
            await self._clock.sleep(LOOK_SECONDS)

    async def _watch(self, gateway: Gateway, store: Store, opening: BootOpening, served_at: float) -> None:
        from gateway.shelf import open_shelf  # noqa: PLC0415

        self.saw(await _started(store, opening, served_at))
        key = await asyncio.to_thread(state_key, self._config.state_dir)
        place, damaged = ledger_place(self._config), gateway.operations.note_damage
        async with open_shelf(place, damaged) as shelf, asyncio.TaskGroup() as group:
            group.create_task(_look_through(shelf, self._clock), name="ledger")
            if self._counted is not None:
                serving = self._serve(self._counted, gateway, shelf, opening, key)
                group.create_task(self._supervised(serving, self._counted), name="http")
            if self._traced is not None:
                tracing = self._trace(self._traced, shelf, key)
                group.create_task(self._supervised(tracing, self._traced), name="traces")

    async def _supervised(self, work: Coroutine[None, None, None], *ears: Ear) -> None:
        """Do it; should it fail, nothing more is kept for it."""
        try:
            await work
        except Exception:  # noqa: BLE001  supervisor: nobody in a chat has to suffer from being watched
            _log.exception("watching.failed")
            for ear in ears:
                ear.stop()

    async def _serve(
        self, ear: Ear, gateway: Gateway, shelf: "Browsing", opening: BootOpening, key: bytes
    ) -> None:
        """The HTTP server, with its counters."""
        for name in IMPORTED:  # in a thread, for all of it together takes longer than anybody should wait
            await asyncio.to_thread(importlib.import_module, name)
        from gateway.console import gauges, health  # noqa: PLC0415
        from gateway.console.census import Census  # noqa: PLC0415
        from gateway.console.metrics import Meters  # noqa: PLC0415
        from gateway.console.page import site  # noqa: PLC0415
        from gateway.console.page.parts import PageParts  # noqa: PLC0415
        from gateway.console.server import HttpSettings, serve_http  # noqa: PLC0415

        config, clock, operations = self._config, self._clock, gateway.operations
        listen, token = config.http.listen, config.http.token
        assert listen is not None
        version = metadata.version("carryon")
        meters = Meters(version)
        census = Census(meters, tuple(config.accounts), tuple(config.agents))
        ear.pass_on(census)
        await _count_the_past(census, shelf, opening, config.state_dir)
        parts = PageParts(
            shelf,
            operations,
            clock,
            version,
            lambda candidate: recover(
                candidate,
                resume_policy(self._config),
                gateway.access.policy,
                clock.now(),
                tripped=gateway.resumer.tripped,
            ),
            lambda code: gateway.access.keep_out(code, by="operator"),
        )
        routes = [
            *health.routes(operations),
            *gauges.routes(gauges.Gauges(meters, operations, shelf.overview, clock)),
            *site.routes(parts),
        ]
        secret = None if token is None else token.get_secret_value()
        settings = HttpSettings(listen.host, listen.port, listen.loopback, secret, key)
        try:
            await serve_http(settings, routes, clock)
            ear.stop()
        finally:
            if census.drained is not None:
                _keep_drain(config.state_dir, census.drained.seconds)

    async def _trace(self, ear: Ear, shelf: "Browsing", key: bytes) -> None:
        """Traces, where the library is installed."""
        if not can_trace():
            _log.warning("trace.off", why="telemetry.otlp is set, and its library is missing", then=INSTALL)
            ear.stop()
            return
        exporting = await asyncio.to_thread(importlib.import_module, "gateway.tracing.export")
        from gateway.tracing.tracer import Tracer  # noqa: PLC0415

        address = self._config.telemetry.otlp
        assert address is not None
        collector = exporting.Collector(address, metadata.version("carryon"))
        try:
            await Tracer(key, ear.take, shelf, collector.send, self._clock).run()
        finally:
            await collector.close(ear.lost)


async def _look_through(shelf: "Browsing", clock: Clock) -> None:
    """Read now and then, for damage is found by reading only, and nobody else may be doing that."""
    while True:
        with contextlib.suppress(LedgerUnreadableError):  # a busy one is none; who found damage has told
            await shelf.overview()
        await clock.sleep(READ_SECONDS)


async def _started(store: Store, opening: BootOpening, served_at: float) -> Started:
    """That the gateway serves, and for how long nobody did."""
    boots = [boot for boot in await store.boots(2) if boot.id != opening.boot_id]
    last = max((boots[0].stopped_at or 0.0, boots[0].seen_at)) if boots else None
    return Started(
        opening.boot_id,
        served_at,
        max(0.0, served_at - psutil.Process().create_time()),
        opening.dead_boots > 0,
        opening.interrupted_turns,
        None if last is None else max(0.0, served_at - last),
    )


async def _count_the_past(census: "Census", shelf: "Browsing", opening: BootOpening, state_dir: Path) -> None:
    """Count what this start found: nobody else can, for the process before is gone."""
    drained = await asyncio.to_thread(_take_drain, state_dir)
    if drained is not None:
        census.count_drain(drained)
    try:
        restarts = [one for one in await shelf.restarts(LOOKED_BACK) if one.boot.id < opening.boot_id]
        cut = [one for one in restarts[0].cut if one.reason == Reason.RESTART_INTERRUPTED] if restarts else []
        sessions = await shelf.sessions([one.session_id for one in cut])
    except LedgerUnreadableError as error:
        _log.warning("metrics.past_unknown", why=str(error))
        return
    if not restarts:
        return
    if restarts[0].end is not BootEnd.RUNNING:
        census.count_boot(restarts[0].end)
    resumed = _continuing(restarts)
    for one in cut[: opening.interrupted_turns]:
        session = sessions.get(one.session_id)
        census.count_cut((session.agent if session else None) or "", resumed=one.turn_id in resumed)
    for _ in range(opening.interrupted_turns - len(cut)):
        census.count_cut("", resumed=False)  # more than are listed


def _continuing(restarts: list[Restart]) -> frozenset[int | None]:
    return frozenset(one.by_turn for restart in restarts for one in restart.cut)


def _keep_drain(state_dir: Path, seconds: float) -> None:
    try:
        (state_dir / DRAINED_FILE).write_text(json.dumps({"seconds": seconds}), encoding="utf-8")
    except OSError as error:
        _log.debug("drain.not_kept", why=str(error))


def _take_drain(state_dir: Path) -> float | None:
    """How long the stop before this start took, once."""
    path = state_dir / DRAINED_FILE
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        path.unlink()
        return float(kept["seconds"])
    except (OSError, ValueError, LookupError, TypeError):
        return None
