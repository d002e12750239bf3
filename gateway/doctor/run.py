"""The command: every check at once, each in a thread of its own that nobody has to wait for.

A disk that hangs cannot be interrupted, and must keep neither the other checks nor the command from ending.
"""

import queue
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import typer

from gateway import log
from gateway.config.file import read
from gateway.doctor import report
from gateway.doctor.checks import Check, planned
from gateway.doctor.context import Context, Presence, look
from gateway.errors import ConfigError
from gateway.model.finding import Finding, Level, NotMendedError, problem

LOOK_SECONDS = 5.0
"""How long a gateway may take to say how it is."""

EXIT_PROBLEMS = 1
EXIT_CONFIG = 78


def main(path: Path, environ: Mapping[str, str], *, fix: bool, as_json: bool, offline: bool) -> int:
    """The command; its exit code."""
    try:
        config, find = read(path, environ)
    except ConfigError as error:
        log.configure("auto", "error")
        _show([problem("config", line) for line in error.problems], (), as_json=as_json)
        return EXIT_CONFIG
    log.configure(config.log.format, "error", config.secrets())
    context = Context(path, config, find, environ, time.time(), _presence(config.state_dir))
    findings = diagnose(context, fix=fix, offline=offline)
    _show(findings, config.secrets(), as_json=as_json)
    return EXIT_PROBLEMS if any(one.level is Level.PROBLEM for one in findings) else 0


def diagnose(context: Context, *, fix: bool, offline: bool) -> list[Finding]:
    """What all checks find, and what is left of it where things are put right."""
    found = examine(context, planned(context, offline=offline))
    return [mended(one) for one in found] if fix else found


def examine(context: Context, checks: Iterable[Check]) -> list[Finding]:
    """What the checks find, in their order. Each one that fails, or takes too long, is one line."""
    begun = time.monotonic()
    under_way = [(check, _start(context, check)) for check in checks]
    found: list[Finding] = []
    for check, answer in under_way:
        try:
            found += answer.get(timeout=max(0.0, begun + check.seconds - time.monotonic()))
        except queue.Empty:
            late = f"it took longer than {check.seconds:g} s"
            found.append(
                problem(check.name, late, "see whether the disk or the network hangs, and try again")
            )
    return found


def mended(finding: Finding) -> Finding:
    """What is left of a finding after it was put right, where that can be done."""
    if finding.mend is None:
        return finding
    try:
        return Finding(finding.check, Level.FIXED, f"{finding.found}: {finding.mend()}")
    except NotMendedError as error:
        return replace(finding, found=f"{finding.found}; it could not be put right: {error}", mend=None)


Answers = queue.SimpleQueue[list[Finding]]


def _start(context: Context, check: Check) -> Answers:
    answer: Answers = queue.SimpleQueue()

    def work() -> None:
        answer.put(_found(context, check))

    threading.Thread(target=work, name=f"check {check.name}", daemon=True).start()
    return answer


def _found(context: Context, check: Check) -> list[Finding]:
    try:
        return list(check.work(context))
    except Exception as error:  # noqa: BLE001  supervisor: a check that fails is one line, and the others go on
        words = f"the check itself failed: {type(error).__name__}: {error}"
        return [problem(check.name, words, "if the words make no sense to you, report them as a bug")]


def _presence(state_dir: Path) -> Presence:
    answer: queue.SimpleQueue[Presence] = queue.SimpleQueue()
    threading.Thread(target=lambda: answer.put(look(state_dir)), daemon=True).start()
    try:
        return answer.get(timeout=LOOK_SECONDS)
    except queue.Empty:
        return Presence(running=True)  # it is there, and says nothing


def _show(findings: list[Finding], secrets: Iterable[str], *, as_json: bool) -> None:
    shown = report.cleaned(findings, secrets)
    typer.echo(report.as_json(shown) if as_json else report.as_text(shown))
