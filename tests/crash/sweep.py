"""`python -m tests.crash.sweep`: kill a gateway at every system call of its life, and read the chats.

The phases are a conversation, a stop, and a start after a crash. Each point is one message, or a few, in
chats of its own. The gateway is killed while it deals with them and started again, a second message proves
that the conversation goes on, and the chats are compared with what they should show: each message answered
once, or twice where the second answer says of itself that it may be a repeat; nothing lost, nothing silently
doubled, nothing unasked-for, no tool run twice. All points of a phase share one state directory, so that each
start is also the recovery of a ledger with a history, and at the end every chat is read once more. Without
strace the named failpoints take the place of the system calls, and stops are left out.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from tests.crash.sweep_conversation import Conversation
from tests.crash.sweep_phase import Phase
from tests.crash.sweep_restart import Starting, Stopping
from tests.crash.sweep_verdict import Tally, report, say
from tests.crash.tracer import Point, evenly
from tests.harness.stage import open_stage

PHASES: dict[str, type[Phase]] = {phase.name: phase for phase in (Conversation, Stopping, Starting)}


def chosen(options: argparse.Namespace) -> list[type[Phase]]:
    """The phases to sweep. What selects single points means those of a conversation, unless it says which."""
    if options.phase:
        return [PHASES[options.phase]]
    return [Conversation] if options.at or options.syscall or options.failpoints else [*PHASES.values()]


async def sweep(options: argparse.Namespace) -> int:
    """Run it; the exit code."""
    began = time.monotonic()
    tallies: dict[str, Tally] = {}
    for phase in chosen(options):
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="carryon-sweep-")))
            stage = await stack.enter_async_context(open_stage(folder))
            run = phase(stage, options, tallies)
            points = [Point.parse(options.at)] if options.at else await run.points()
            wanted = min(len(points), options.points or len(points))
            say(f"{phase.name}: {len(points)} points; visiting {wanted}")
            await run.run(evenly(points, wanted))
    return report(tallies, time.monotonic() - began)


def main() -> int:
    """Read the options and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.sweep", description=__doc__)
    parser.add_argument("--phase", choices=[*PHASES], help="only this one; all by default")
    parser.add_argument(
        "--points", type=int, help="visit so many of each phase, evenly spread; all by default"
    )
    parser.add_argument("--syscall", help="only this system call, every occurrence")
    parser.add_argument("--at", help="only this point, thread:syscall:n, start:syscall:n or failpoint:name:n")
    parser.add_argument("--failpoints", action="store_true", help="named failpoints instead of system calls")
    parser.add_argument("--second-kill", action="store_true", help="kill the recovery too, at a random point")
    parser.add_argument("--seed", type=int, default=1, help="of what is random")
    return asyncio.run(sweep(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
