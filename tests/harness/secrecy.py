"""After each test: what it printed, logged and was shown by a server holds none of the planted secrets.

A stage looks for more, in more places (`leaks`). This looks at every test that there is: at what pytest
captured of it, and at the answers of servers that a helper noted with `shown`.
"""

from collections.abc import Generator, Iterable

import aiohttp
import pytest

from tests.harness.leaks import leaks

MARKS = (
    "a-token-of-valid-shape",
    "atokenofvalidshape",
    "a-token-of-good-length",
    "a-rotated-token",
    "averysecrettoken",
    "anothersecrettoken",
    "the-real-bot",
    "local-emulator-takes-any-token",
    "sk-planted-in",
    "sk-a-key-that",
    "PLANTED",
    "0123456789abcdef",
)
"""Parts of the secrets that tests plant; the last one is the end of agents' session ids."""

_shown: dict[str, str] = {}


def shown(what: str, text: str) -> None:
    """A server has shown this to somebody."""
    _shown[f"{what} ({len(_shown) + 1})"] = text


def overheard() -> aiohttp.TraceConfig:
    """For a client of a test: what a server answers it with is shown."""
    trace = aiohttp.TraceConfig()

    async def body(
        _session: object, _context: object, chunk: aiohttp.TraceResponseChunkReceivedParams
    ) -> None:
        shown(f"{chunk.method} {chunk.url}", chunk.chunk.decode(errors="replace"))

    trace.on_response_chunk_received.append(body)
    return trace


def said(captured: Iterable[tuple[str, str]]) -> list[str]:
    """Where a secret stands in what a test has let people see; what servers have shown is forgotten."""
    texts = {**_shown, **{f"{name} ({n})": text for n, (name, text) in enumerate(captured)}}
    _shown.clear()
    return leaks(texts, MARKS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that has shown a secret."""
    report = yield
    # What an earlier phase captured was looked at then. "Captured log" is pytest's own copy of what libraries
    # log, from before the gateway's handler strikes secrets out of it.
    captured = [
        one for one in report.sections if one[0].startswith("Captured std") and one[0].endswith(report.when)
    ]
    if (found := said(captured)) and report.passed:
        report.outcome, report.longrepr = "failed", "a secret was shown\n" + "\n".join(found)
    return report
