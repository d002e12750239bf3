"""`python -m tests.crash.soak`: thousands of messages, hundreds of kills, and then every chat is read.

People in many chats write to a gateway that is killed at random moments and started again on the same state
directory: right after its start, in its recovery, at a named place, after something that the platform saw,
with nothing to do; some are told to stop instead, and some are killed while they stop. The platform fails at
random too. In the end everything must have been answered: nothing lost, nothing silently doubled, nothing
unasked-for, in order, and the chats of people who said nothing must have stayed silent. The verdict comes
from the platform's transcripts alone.
"""

import argparse
import asyncio
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from adapters.emulators.telegram import TelegramEmulator, TelegramOptions
from adapters.emulators.telegram_api import Limits
from tests.crash import soak_plan as plan
from tests.crash.soak_lives import CHANGES
from tests.crash.soak_run import Options, Soak
from tests.crash.soak_verdict import Kind, Verdict, Violation
from tests.harness.stage import end_agents

EVERY = 25
"""Kills between two lines of progress."""

SHOWN = 40
"""Violations that are printed; the rest is in the dump."""

INTERRUPTED = 130


def say(text: str) -> None:
    """A line for people."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def soak(options: Options, folder: Path) -> int:
    """Run it in a folder; the exit code."""
    (folder / "logs").mkdir()
    began = time.monotonic()
    async with TelegramEmulator(TelegramOptions(limits=Limits(enabled=False))) as emulator:
        run = Soak(options, folder, emulator)
        try:
            await run.begin()
            await _lives(run, began)
            say("the last kill is done; waiting for what is owed")
            await run.finish()
        except AssertionError as error:
            run.gateways.troubles.append(f"the soak ended early: {error}")
        finally:
            await run.gateways.close()
            await asyncio.to_thread(end_agents, folder)
        verdict = run.verdict()
        folder = run.dump()
    report(run, verdict, time.monotonic() - began)
    if not verdict.violations and not run.gateways.troubles:
        return 0
    for violation in verdict.violations[:SHOWN]:
        say(f"VIOLATION: {violation}{run.where(violation)}")
    for trouble in run.gateways.troubles[:SHOWN]:
        say(f"TROUBLE: {trouble}")
    say(f"kept in {folder}: transcripts.txt, lives.txt, logs, state, demo")
    return 1


async def _lives(run: Soak, began: float) -> None:
    options = run.options
    shown: set[Violation] = set()
    numbers = range(options.idle, options.messages - options.idle)
    for life, messages in enumerate(plan.traffic(options.seed, numbers, run.busy, options.kills)):
        await run.live(life, messages)
        done = life + 1
        if done % EVERY == 0:
            seconds = time.monotonic() - began
            # What is still open is not lost yet.
            wrong = {one for one in run.verdict().violations if one.kind is not Kind.LOST}
            for violation in sorted(wrong - shown, key=lambda one: one.at or 0):
                say(f"  {violation}{run.where(violation)}")
            shown |= wrong
            say(
                f"{done}/{options.kills} kills, {run.said} said, {len(run.heard.open)} open, "
                f"{len(wrong)} wrong, {len(run.gateways.troubles)} troubles, {seconds:.0f} s, "
                f"{seconds / done * (options.kills - done):.0f} s left"
            )


def report(run: Soak, verdict: Verdict, seconds: float) -> None:
    """The table."""
    rows = [
        ("messages", verdict.asked),
        ("gateways killed or stopped", sum(run.gateways.ways.values())),
        *((f"{kind}", verdict.count(kind)) for kind in Kind),
        ("troubles of gateways", len(run.gateways.troubles)),
        ("repeats, labelled", verdict.labelled),
        ("notices", verdict.notices),
        ("faults of the platform", sum(run.heard.struck.values())),
    ]
    say("")
    for name, number in rows:
        say(f"{name:28}{number:8}")
    say(f"{'seconds':28}{seconds:8.0f}")
    say(f"{'seed':28}{run.options.seed:8}")
    _counts("ended while", run.gateways.phases)
    _counts("ended by", run.gateways.ways)
    _counts("faults", run.heard.struck)


def _counts(head: str, counts: Mapping[str, int]) -> None:
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    say(f"{head}: {', '.join(f'{name} {number}' for name, number in ordered) or 'none'}")


async def _until_stopped(options: Options, folder: Path) -> int:
    """SIGTERM ends it as Ctrl-C does."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await soak(options, folder)


def _read(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.soak", description=__doc__)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--chats", type=int, default=50)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, help="of what is random; a new one by default")
    parser.add_argument(
        "--faults", action=argparse.BooleanOptionalAction, default=True, help="of the platform"
    )
    given = parser.parse_args(arguments)
    if min(given.messages // 4, given.chats - 1, given.kills) < 1:
        parser.error("at least 4 messages, 2 chats and 1 kill")
    seed = random.SystemRandom().randrange(1_000_000) if given.seed is None else given.seed
    return Options(given.messages, given.chats, given.kills, seed, given.faults)


def main() -> int:
    """Read the options and run."""
    options = _read(None)
    say(
        f"replay: {Path(sys.executable).name} -m tests.crash.soak --messages {options.messages} "
        f"--chats {options.chats} --kills {options.kills} --seed {options.seed} "
        f"--{'' if options.faults else 'no-'}faults"
    )
    say(f"the guards against crash loops are out of the way: {CHANGES}")
    folder = Path(tempfile.mkdtemp(prefix="carryon-soak-"))
    try:
        code = asyncio.run(_until_stopped(options, folder))
    except (KeyboardInterrupt, asyncio.CancelledError):
        say("interrupted")
        code = INTERRUPTED
    if code in (0, INTERRUPTED):
        shutil.rmtree(folder, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
