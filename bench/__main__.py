"""`python -m bench`: every number in one run, as a table on stdout and as JSON.

The exit code is 1 when a message was lost or doubled or a part could not be measured; whether aims were
reached does not change it.
"""

import argparse
import asyncio
import json
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import psutil

from bench import report
from bench.busy import busy
from bench.explain import explain
from bench.figures import Surroundings, disturbed
from bench.processes import Emulator, Stage, emulator
from bench.starts import cold_start, commit, growth, resume
from bench.steady import QUICK, Found, Scale, steady

STEADY = ("latency", "burst", "memory", "throughput")
NAMES = ("commit", "start", *STEADY, "busy", "growth", "resume")
PART_SECONDS = 300.0
"""How long one part may take at most."""


async def run(names: frozenset[str], directory: Path, stage: Stage, *, quick: bool) -> Found:
    """Run the named measures one after the other."""
    found = Found()
    if "commit" in names:
        found.merge(await asyncio.to_thread(commit, directory, 200 if quick else 1000))
    if not names - {"commit"}:
        return found
    try:
        async with emulator(stage) as place:
            for title, part in _parts(names, stage, place, quick=quick):
                print(f"… {title}", file=sys.stderr, flush=True)
                around = Surroundings(psutil.Process(place.process.pid))
                result = Found()
                try:
                    async with asyncio.timeout(PART_SECONDS):
                        result = await part()
                except Exception as error:  # noqa: BLE001  supervisor: the other parts go on without it
                    found.failures.append(f"{title}: {type(error).__name__}: {_told(error)}")
                share = found.other_work[title] = around.share()
                result.figures = [disturbed(figure, share) for figure in result.figures]
                found.merge(result)
    finally:
        await stage.stop_all()
    return found


def _parts(
    names: frozenset[str], stage: Stage, place: Emulator, *, quick: bool
) -> list[tuple[str, Callable[[], Awaitable[Found]]]]:
    sizes = (10, 10_000) if quick else (10, 10_000, 100_000)
    rounds, each = (4, 20) if quick else (10, 25)
    parts: list[tuple[str, Callable[[], Awaitable[Found]]]] = []
    if "start" in names:
        parts.append(("start", lambda: cold_start(stage, place, 5 if quick else 7)))
    if wanted := names & set(STEADY):
        title = ", ".join(name for name in STEADY if name in wanted)
        parts.append((title, lambda: steady(stage, place, wanted, QUICK if quick else Scale())))
    if "busy" in names:
        parts.append(("busy", lambda: busy(stage, place, 10 if quick else 25)))
    if "growth" in names:
        parts.append(("growth", lambda: growth(stage, place, sizes, rounds, each)))
    if "resume" in names:
        parts.append(("resume", lambda: resume(stage, place, sizes[-1], 1 if quick else 3)))
    return parts


def _told(error: BaseException) -> str:
    """The message of the first error in whatever groups it came."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error)


async def _until_told(names: frozenset[str], directory: Path, stage: Stage, *, quick: bool) -> Found:
    """`run`, which SIGTERM ends as Ctrl-C does."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await run(names, directory, stage, quick=quick)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer messages, no 100,000 sessions")
    parser.add_argument("--only", action="append", choices=NAMES, help="measure this; may be repeated")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything as JSON")
    parser.add_argument(
        "--dir", type=Path, help="keep the state here for the run; names the disk that is measured"
    )
    parser.add_argument(
        "--explain", action="store_true", help="tell where a cold start's time goes, and stop"
    )
    given = parser.parse_args(arguments)
    if given.explain:
        print(asyncio.run(explain()))
        return 0
    names = frozenset(given.only or NAMES)
    with tempfile.TemporaryDirectory(
        prefix="carryon-bench-", dir=given.dir, ignore_cleanup_errors=True
    ) as made:
        directory = Path(made)
        machine = report.environment(directory)
        stage = Stage(directory)
        try:
            found = asyncio.run(_until_told(names, directory, stage, quick=given.quick))
        except (KeyboardInterrupt, asyncio.CancelledError):
            print("interrupted", file=sys.stderr)
            return 130
        finally:
            stage.kill_all()
    print(file=sys.stderr, flush=True)
    print("\n".join(f"{key}: {value}" for key, value in machine.items()))
    print(f"conditions: {report.CONDITIONS}\n")
    print(report.table(found.figures))
    shares = ", ".join(f"{title} {share:.0%}" for title, share in found.other_work.items())
    print(f"CPU taken by other work meanwhile: {shares or 'not looked at'}")
    print(f"\n{report.verdict(found.audit)}")
    print("".join(f"FAILED: {failure}\n" for failure in found.failures), end="")
    if given.json:
        whole = report.as_json(
            found.figures,
            found.audit,
            machine,
            {**found.details, "failures": found.failures, "other_work": found.other_work},
        )
        given.json.write_text(json.dumps(whole, indent=1) + "\n")
    return 0 if found.audit.clean and not found.failures else 1


if __name__ == "__main__":
    sys.exit(main())
