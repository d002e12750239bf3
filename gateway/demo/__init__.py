"""`carryon demo`: the main job on this machine alone, counted without asking the gateway."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Generator, Sequence

from gateway.demo import hosting
from gateway.demo.cast import PLATFORMS, THINKING
from gateway.demo.play import Bounds, DemoFailedError, listed, perform
from gateway.demo.premises import Premises
from gateway.demo.screen import Screen, Tone, complain
from gateway.demo.verdict import Outcome, problems, rows
from gateway.errors import CarryonError

__all__ = ["PLATFORMS", "main", "run"]

PROGRAM = (sys.executable, "-m", "gateway")

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_NAMES = {"telegram": "Telegram", "discord": "Discord", "slack": "Slack"}
_WELCOME = (
    "{platforms} (emulators), the gateway and an agent, all on this machine: no token, no key, no network.",
    "What stands in [[ ]] tells the demo agent what to pretend.",
)
_PROVED = (
    "Proved: killed with SIGKILL in the middle of {turns}, the gateway lost nothing, said nothing twice, "
    "disturbed nobody, and finished what it had begun without being asked again."
)
_NEXT = (
    "How to go on: `carryon demo --play` for a page on which you kill it yourself; README.md; for a bot of "
    "your own, config/gateway.yaml."
)
_OPEN = (
    "Open this page in a browser; Ctrl-C ends everything:",
    "  {address}",
)

Performance = Callable[[Premises], int]


def main(platforms: Sequence[str] = PLATFORMS, *, play: bool = False, port: int | None = None) -> int:
    """Run the demo on standard output; the exit code. 0 only if all that was promised was seen.

    With `play` it is a page for people, on `port`, until they end it; that is 0 too.
    """
    if play:
        return within_premises(PROGRAM, lambda premises: _host(premises, platforms, port))
    return run(PROGRAM, Bounds(), platforms)


def run(program: tuple[str, ...], bounds: Bounds, platforms: Sequence[str] = PLATFORMS) -> int:
    """The demo of a gateway that is started by `program`, within bounds of time."""
    return within_premises(program, lambda premises: _perform(premises, bounds, platforms))


def within_premises(program: tuple[str, ...], performance: Performance) -> int:
    """A performance and its exit code. Whatever happens, everything that was started is ended."""
    try:
        premises = Premises(program)
    except (CarryonError, OSError) as error:
        complain(f"the demo cannot begin: {error}")
        return 1
    keep = False
    try:
        code = performance(premises)
        keep = code == 1
    except KeyboardInterrupt:
        code = 130
        complain("the demo was stopped; everything that it had started is being ended")
    except asyncio.CancelledError:
        code = 143
    except BrokenPipeError:  # nobody reads any more
        code = 141
    finally:
        with _undisturbed():
            premises.clear(keep=keep)
    if keep:
        complain(f"the gateway's log is {premises.log}; its directory was kept for you to look at")
    return code


def _perform(premises: Premises, bounds: Bounds, platforms: Sequence[str]) -> int:
    screen = _welcomed(platforms)
    try:
        outcome = asyncio.run(_interruptible(premises, screen, bounds, platforms))
    except BrokenPipeError:
        raise
    except (DemoFailedError, CarryonError, OSError) as error:
        complain(f"the demo failed: {error}")
        return 1
    screen.line()
    screen.table(rows(outcome, THINKING))
    found = problems(outcome)
    if found:
        complain("\n".join(found))
        return 1
    turns = "a turn" if len(platforms) == 1 else f"{len(platforms)} turns"
    screen.line(_PROVED.format(turns=turns), Tone.GOOD)
    screen.line(_NEXT)
    return 0


def _host(premises: Premises, platforms: Sequence[str], port: int | None) -> int:
    screen = _welcomed(platforms)
    try:
        asyncio.run(hosting.host(platforms, premises, port, lambda address: _say_where(screen, address)))
    except BrokenPipeError:
        raise
    except (CarryonError, OSError) as error:
        complain(f"the demo failed: {error}")
        return 1
    screen.line("Ended, with everything that it had started.")
    return 0


def _say_where(screen: Screen, address: str) -> None:
    for line in _OPEN:
        screen.line(line.format(address=address))


def _welcomed(platforms: Sequence[str]) -> Screen:
    screen = Screen(sys.stdout)
    named = listed([_NAMES[platform] for platform in platforms])
    for line in (*_WELCOME, ""):
        screen.line(line.format(platforms=named))
    return screen


async def _interruptible(
    premises: Premises, screen: Screen, bounds: Bounds, platforms: Sequence[str]
) -> Outcome:
    """SIGINT is asyncio's own business; the other two are to end the demo in the same tidy way."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGHUP):
        with contextlib.suppress(ValueError, RuntimeError):  # not in the main thread
            loop.add_signal_handler(number, task.cancel)
    return await perform(platforms, premises, screen, bounds)


@contextlib.contextmanager
def _undisturbed() -> Generator[None]:
    """Tidying up takes a moment, and is not to be stopped half-way by an impatient second Ctrl-C."""
    before: dict[signal.Signals, object] = {}
    with contextlib.suppress(ValueError):  # not in the main thread
        for number in _ENDING:
            before[number] = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)  # pyright: ignore[reportArgumentType]  what signal gave is what it takes
