"""`python -m tests.crash.soak`: thousands of messages, hundreds of kills, and then every chat is read.

People on several platforms, in direct chats, channels and threads, write to one gateway that is killed at
random moments and started again on the same state directory: right after its start, in its recovery, at a
named place, after something that a platform saw, with nothing to do; some are told to stop instead, and some
are killed while they stop. The platforms fail at random too: they refuse, break off, hang, cut connections,
tell things twice or in another order, and go down for a while. In the end everything must have been answered:
nothing lost, nothing silently doubled, nothing unasked-for, in order, no half answer left standing, and the
chats of people who said nothing must have stayed silent. Some messages bring a file, and some answers have
one. The verdict comes from the chats alone; only what the agent was given of files stands in its own memory.
"""

import argparse
import asyncio
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from adapters.emulators.registry import PLATFORMS
from tests.crash import soak_plan as plan
from tests.crash.soak_files import Belongings, FileKind, counts, judge_files
from tests.crash.soak_lives import CHANGES
from tests.crash.soak_run import CANNOT_BE_ASKED, Options, Soak
from tests.crash.soak_verdict import UNFINISHED, Kind, Verdict, Violation
from tests.harness.stage import end_agents

EVERY = 25
"""Kills between two lines of progress."""

SHOWN = 40
"""Violations that are printed; the rest is in the dump."""

CHATS = 5
"""Chats with violations that are printed for each platform."""

INTERRUPTED = 130


def say(text: str) -> None:
    """A line for people."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def soak(options: Options, folder: Path) -> int:
    """Run it in a folder; the exit code."""
    (folder / "logs").mkdir()
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        run = Soak(options, folder)
        await run.open(stack)
        try:
            await run.begin()
            await _lives(run, began)
            say("the last kill is done; waiting for what is owed")
            await run.finish()
        except AssertionError as error:
            run.gateways.troubles.append(f"the soak ended early: {error}")
        finally:
            await run.close()
            await asyncio.to_thread(end_agents, folder)
        belongings = run.belongings()
        verdicts = {
            platform: replace(
                verdict,
                violations=(
                    *verdict.violations,
                    *judge_files(belongings[platform], labels=platform in CANNOT_BE_ASKED),
                ),
            )
            for platform, verdict in run.verdicts().items()
        }
        report(run, verdicts, belongings, time.monotonic() - began)
        if not run.gateways.troubles and not any(one.violations for one in verdicts.values()):
            return 0
        _accuse(run, verdicts)
    return 1


async def _lives(run: Soak, began: float) -> None:
    options = run.options
    shown: set[Violation] = set()
    idle = len(run.idle)
    numbers = range(idle, options.messages - idle)
    for life, messages in enumerate(plan.traffic(options.seed, numbers, run.busy, options.kills)):
        await run.live(life, messages)
        done = life + 1
        if done % EVERY == 0:
            seconds = time.monotonic() - began
            wrong = {
                one
                for verdict in run.verdicts().values()
                for one in verdict.violations
                if one.kind not in UNFINISHED
            }
            for violation in sorted(wrong - shown, key=lambda one: one.at or 0):
                say(f"  {violation}{run.where(violation)}")
            shown |= wrong
            say(
                f"{done}/{options.kills} kills, {run.said} said, "
                f"{sum(town.listen() for town in run.towns.values())} open, "
                f"{len(wrong)} wrong, {len(run.gateways.troubles)} troubles, {seconds:.0f} s, "
                f"{seconds / done * (options.kills - done):.0f} s left"
            )


def report(
    run: Soak, verdicts: Mapping[str, Verdict], belongings: Mapping[str, Sequence[Belongings]], seconds: float
) -> None:
    """The tables."""
    found = verdicts.values()
    files = [counts(belongings[platform]) for platform in verdicts]
    rows = [
        ("asked", [one.asked for one in found]),
        ("answered", [one.answered for one in found]),
        *((f"{kind}", [one.count(kind) for one in found]) for kind in Kind),
        *((f"{kind}", [one.count(kind) for one in found]) for kind in FileKind),
        ("files asked for", [asked for asked, _, _ in files]),
        ("files given", [given for _, given, _ in files]),
        ("files repeated, labelled", [labelled for _, _, labelled in files]),
        ("repeats, labelled", [one.labelled for one in found]),
        ("beginnings, continued", [one.fragments for one in found]),
        ("notices", [one.notices for one in found]),
        ("troubles of the platform", [sum(town.heard.struck.values()) for town in run.towns.values()]),
    ]
    say("")
    say(f"{'':26}" + "".join(f"{platform:>10}" for platform in verdicts))
    for name, numbers in rows:
        say(f"{name:26}" + "".join(f"{number:10}" for number in numbers))
    say("")
    say(f"{'messages':26}{run.said:10}")
    say(f"{'gateways ended':26}{sum(run.gateways.ways.values()):10}")
    say(f"{'troubles of gateways':26}{len(run.gateways.troubles):10}")
    say(f"{'seconds':26}{seconds:10.0f}")
    say(f"{'seed':26}{run.options.seed:10}")
    _counts("ended while", run.gateways.phases)
    _counts("ended by", run.gateways.ways)
    _counts("troubles", sum((town.heard.struck for town in run.towns.values()), Counter[str]()))


def _accuse(run: Soak, verdicts: Mapping[str, Verdict]) -> None:
    """What is wrong, with the chats concerned."""
    for platform, verdict in verdicts.items():
        for violation in verdict.violations[:SHOWN]:
            say(f"VIOLATION: {platform}: {violation}{run.where(violation)}")
        chats = list(dict.fromkeys(violation.chat for violation in verdict.violations))[:CHATS]
        run.show(run.towns[platform], sys.stdout, frozenset(chats))
    for trouble in run.gateways.troubles[:SHOWN]:
        say(f"TROUBLE: {trouble}")
    say(f"kept in {run.dump()}: transcripts, calls, lives.txt, logs, state, demo")


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
    parser.add_argument(
        "--platform", action="append", choices=PLATFORMS, help="may be repeated; all by default"
    )
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--chats", type=int, default=48, help="over all platforms")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, help="of what is random; a new one by default")
    parser.add_argument(
        "--faults", action=argparse.BooleanOptionalAction, default=True, help="of the platforms"
    )
    given = parser.parse_args(arguments)
    platforms = tuple(dict.fromkeys(given.platform or PLATFORMS))
    if min(given.messages // 4, given.chats // 2) < len(platforms) or given.kills < 1:
        parser.error("at least 4 messages and 2 chats for each platform, and 1 kill")
    seed = random.SystemRandom().randrange(1_000_000) if given.seed is None else given.seed
    return Options(given.messages, given.chats, given.kills, seed, given.faults, platforms)


def main() -> int:
    """Read the options and run."""
    options = _read(None)
    say(
        f"replay: {Path(sys.executable).name} -m tests.crash.soak --messages {options.messages} "
        f"--chats {options.chats} --kills {options.kills} --seed {options.seed} "
        f"--{'' if options.faults else 'no-'}faults "
        f"{' '.join(f'--platform {one}' for one in options.platforms)}"
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
