"""`carryon demo --play`: the page with its chats, until Ctrl-C. Everything that it started ends with it."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Sequence

from gateway.demo.play import first_of
from gateway.demo.premises import Premises
from gateway.demo.room import Room
from gateway.demo.site import HOST, Site
from gateway.demo.stage import Stage
from gateway.errors import CarryonError

PORT = 8780
"""The port that is tried first when none is named."""

CONFIG = {"resume": {"breaker": {"boots": 1000}}}
"""All else is as it is by default. A gateway that dies often would else wait for people before it goes on:
right for a machine that crashes, but here the crash is somebody at a button."""


async def host(
    platforms: Sequence[str], premises: Premises, port: int | None, told: Callable[[str], None]
) -> None:
    """Serve the page until SIGINT, SIGTERM or SIGHUP; `told` is given its address. Raises `CarryonError`."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with contextlib.suppress(ValueError, RuntimeError):  # not in the main thread
            loop.add_signal_handler(number, ended.set)
    try:
        async with Stage(platforms) as stage:
            premises.write_config(stage.accounts(), **CONFIG)
            await _serve(Room(stage, premises), stage.platforms, port, told, ended)
    except ExceptionGroup as failures:
        raise first_of(failures) from None


async def _serve(
    room: Room,
    platforms: tuple[str, ...],
    port: int | None,
    told: Callable[[str], None],
    ended: asyncio.Event,
) -> None:
    site = Site(room, platforms)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(room.run(), name="room")
        try:
            await _listen(site, port)
            room.start()
            told(site.address)
            await ended.wait()
        finally:
            await site.stop()
            running.cancel()


async def _listen(site: Site, port: int | None) -> None:
    try:
        await site.start(PORT if port is None else port)
    except OSError as error:
        if port is not None:
            raise CarryonError(f"cannot listen on {HOST}:{port} ({error.strerror or error})") from None
        await site.start(0)
