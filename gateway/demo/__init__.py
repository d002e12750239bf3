"""`carryon demo`: the main job on this machine alone, counted without asking the gateway."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Generator

from gateway.demo import play
from gateway.demo.play import Bounds, DemoFailedError
from gateway.demo.premises import Premises
from gateway.demo.screen import Screen, Tone, complain
from gateway.demo.verdict import Outcome, problems, rows
from gateway.errors import CarryonError

PROGRAM = (sys.executable, "-m", "gateway")

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_WELCOME = (
    "Telegram (an emulator), the gateway and an agent, all on this machine: no token, no key, no network.",
    "What stands in [[ ]] tells the demo agent what to pretend.",
)
_PROVED = (
    "Proved: killed with SIGKILL in the middle of a turn, the gateway lost nothing, said nothing twice, "
    "disturbed nobody, and finished the turn without being asked again."
)
_NEXT = (
    "How to go on: README.md; to play yourself, `carryon emulate telegram` and `carryon --config "
    "config/local.yaml run`; for a bot of your own, config/gateway.yaml."
)


def main() -> int:
    """Run the demo on standard output; the exit code. 0 only if all that was promised was seen."""
    return run(PROGRAM, Bounds())


def run(program: tuple[str, ...], bounds: Bounds) -> int:
    """The demo of a gateway that is started by `program`, within bounds of time."""
    try:
        premises = Premises(program)
    except (CarryonError, OSError) as error:
        complain(f"the demo cannot begin: {error}")
        return 1
    keep = False
    try:
        code = _perform(premises, bounds)
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


def _perform(premises: Premises, bounds: Bounds) -> int:
    screen = Screen(sys.stdout)
    for line in (*_WELCOME, ""):
        screen.line(line)
    try:
        outcome = asyncio.run(_interruptible(premises, screen, bounds))
    except BrokenPipeError:
        raise
    except (DemoFailedError, CarryonError, OSError) as error:
        complain(f"the demo failed: {error}")
        return 1
    screen.line()
    screen.table(rows(outcome, play.THINKING))
    found = problems(outcome)
    if found:
        complain("\n".join(found))
        return 1
    screen.line(_PROVED, Tone.GOOD)
    screen.line(_NEXT)
    return 0


async def _interruptible(premises: Premises, screen: Screen, bounds: Bounds) -> Outcome:
    """SIGINT is asyncio's own business; the other two are to end the demo in the same tidy way."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGHUP):
        with contextlib.suppress(ValueError, RuntimeError):  # not in the main thread
            loop.add_signal_handler(number, task.cancel)
    return await play.perform(premises, screen, bounds)


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
