"""One run of a gateway: the ledger is opened, its parts are put together, kept going, and stopped."""

import asyncio
import gc
import os
import socket
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import NoReturn, cast

from gateway import log, log_file
from gateway.agents.pool import AgentPool
from gateway.clock import SystemClock
from gateway.composition import Gateway, Ground, compose
from gateway.config.models import Config
from gateway.connecting import connect_all
from gateway.engine.drain import Stopped
from gateway.engine.persist import until_written
from gateway.errors import CarryonError
from gateway.failpoints import reach
from gateway.model.boot import BootState
from gateway.model.operation import Intent, StopRequest
from gateway.policies import agent_spec, ledger_place
from gateway.ports import Clock, LedgerUnavailableError, Store
from gateway.reloading.effects import effects
from gateway.reloading.reloader import Reloader
from gateway.signals import Signals
from gateway.store.lock import hold_state
from gateway.store.place import open_ledger
from gateway.supervisor import Supervisor
from gateway.watching import Watching

_log = log.get()

BEAT_SECONDS = 5.0
"""How often a boot leaves a sign of life, and so how exactly the moment of a crash is known."""

START_SECONDS = 15.0
"""How long a database service may take to be there: it is often started at the same moment."""

COLLECTOR_THRESHOLDS = (20_000, 20, 50)
"""New objects until a young collection, and how many of these until the older ones. A turn makes a few
hundred objects, of which hardly any are cyclic garbage."""

EXIT_STOPPED = 0
EXIT_UNCLEAN = 1
EXIT_RESTART = 75
EXIT_UNUSABLE = 78


class _StoppedError(Exception):
    """Raised inside the task group to end what is left in it. Never leaves this module."""


def run(config: Config, path: Path) -> int:
    """Run a gateway until it is told to stop; the process's exit code. `path` is where the config came from.

    Raises the errors of `gateway.errors` where it cannot start.
    """
    log.configure(config.log.format, config.log.level, config.secrets())
    with hold_state(config.state_dir), log.kept(config.state_dir / log_file.FOLDER, config.log.keep):
        try:
            return asyncio.run(_serve(config, path, SystemClock()))
        except CarryonError:
            raise
        except Exception as error:  # noqa: BLE001  supervisor: a bug is logged whole, and said in one line
            _log.exception("boot.failed")
            if told := _for_people(error):
                raise told from None
            raise CarryonError(
                "the gateway stopped because of an error that it did not expect; its log says which. "
                "Nothing that was accepted is lost: start it again"
            ) from None


def _for_people(error: BaseException) -> CarryonError | None:
    """The error meant for people inside what task groups wrapped around it, if there is one."""
    if isinstance(error, BaseExceptionGroup):
        inner = cast("BaseExceptionGroup[BaseException]", error).exceptions
        return next((told for one in inner if (told := _for_people(one))), None)
    return error if isinstance(error, CarryonError) else None


async def _serve(config: Config, path: Path, clock: Clock) -> int:
    signals = Signals()
    supervisor = Supervisor.from_environment()
    watching = Watching(config, clock)
    async with open_ledger(ledger_place(config), watching.saw, START_SECONDS) as store:
        opening = await until_written(
            clock, lambda: store.open_boot(socket.gethostname(), os.getpid(), clock.now())
        )
        _log.info(
            "boot.started",
            boot=opening.boot_id,
            pid=os.getpid(),
            after_crash=opening.dead_boots > 0,
            interrupted=opening.interrupted_turns,
            unknown_deliveries=opening.unknown_deliveries,
        )
        if opening.dead_boots:
            _log.warning("boot.after_crash", boot=opening.boot_id, interrupted=opening.interrupted_turns)
        reach("boot.opened")
        pool = AgentPool({name: agent_spec(config, name) for name in config.agents}, clock)
        stopped: Stopped | None = None
        unusable = asyncio.Event()
        try:
            async with pool as agents, asyncio.TaskGroup() as group:
                group.create_task(_warm_up(agents, config.default_agent), name="warm-up")
                await asyncio.sleep(
                    0
                )  # its process begins to start while the platforms' libraries are imported
                gateway = compose(Ground(config, store, agents, clock, group, opening, watching.saw))
                for account in gateway.adapters:
                    await gateway.outbox.load(account)
                await _tell_of_orphans(store, gateway)
                group.create_task(gateway.typist.run(), name="typist")
                group.create_task(gateway.streams.run(), name="streams")
                group.create_task(gateway.timers.run(), name="timers")
                group.create_task(_beat(store, clock, opening.boot_id), name="beat")
                group.create_task(_connect_all(gateway, clock, unusable), name="accounts")
                group.create_task(_listen_to_operators(config, gateway), name="control")
                signals.tell(gateway.operations)
                await until_written(clock, lambda: store.set_boot_state(opening.boot_id, BootState.SERVING))
                supervisor.ready()
                group.create_task(watching.run(gateway, store, opening), name="watching")
                changing = effects(gateway, pool, supervisor)
                changing = replace(changing, swap=watching.with_news(changing.swap))
                reloader = Reloader(path, config, changing, clock, group)
                gateway.operations.let_reload(reloader)
                signals.let_reload(reloader.ask)
                group.create_task(reloader.watch(), name="config-file")
                group.create_task(supervisor.attend(gateway.operations, clock), name="supervisor")
                stopped = await gateway.drain.run()
                supervisor.stopping()
                _end_the_rest()
        except* _StoppedError:
            assert stopped is not None
            _log.info("boot.stopped", boot=opening.boot_id, clean=stopped.clean, intent=stopped.intent)
        return EXIT_UNUSABLE if unusable.is_set() else _exit_code(stopped)


def _exit_code(stopped: Stopped | None) -> int:
    if stopped is None:
        return EXIT_UNCLEAN
    if stopped.intent is Intent.RESTART:
        return EXIT_RESTART
    return EXIT_STOPPED if stopped.clean else EXIT_UNCLEAN


def _end_the_rest() -> NoReturn:
    """Everything is settled: whatever still runs in the task group only waits."""
    raise _StoppedError


async def _connect_all(gateway: Gateway, clock: Clock, unusable: asyncio.Event) -> None:
    """Keep every account connected. When all are beyond help, so is the gateway."""
    await connect_all(gateway.adapters, gateway.intake, gateway.pasts, clock)
    _log.error("gateway.unusable", why="no account can be used", accounts=list(gateway.adapters))
    unusable.set()
    gateway.drain.stop(StopRequest(Intent.STOP, 0.0))


async def _tell_of_orphans(store: Store, gateway: Gateway) -> None:
    """What is owed to accounts that are not configured any more: kept, and not silently."""
    orphans = Counter(
        candidate.session.address.account
        for candidate in await store.candidates()
        if candidate.session.address.account not in gateway.adapters
    )
    for account, count in orphans.items():
        _log.warning("account.unknown", account=account, sessions_that_wait=count)


async def _listen_to_operators(config: Config, gateway: Gateway) -> None:
    from gateway.console.control import serve_control  # noqa: PLC0415  after the first poll, not before it

    await serve_control(config.state_dir, gateway.operations)


async def _warm_up(agents: AgentPool, agent: str) -> None:
    """Start what every conversation needs, and have the garbage collector leave alone what has come to stay.

    The modules and models of start-up are several hundred thousand objects that never become garbage; to look
    through them again and again took an eighth of the gateway's time under load.
    """
    await agents.warm(agent)
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)


async def _beat(store: Store, clock: Clock, boot_id: int) -> None:
    """Leave signs of life. A missed one only dates a later crash a little too early."""
    while True:
        await clock.sleep(BEAT_SECONDS)
        try:
            await store.beat(boot_id, clock.now())
        except LedgerUnavailableError as error:
            _log.debug("boot.beat_missed", why=str(error))
