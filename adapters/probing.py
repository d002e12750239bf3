"""Asking a platform about an account without connecting it: is the token good, and what keeps the bot silent?

Nothing here receives messages, opens a session of a gateway or a socket, or uses up what a running gateway
needs. Each platform has a module `probe` beside its adapter, imported with its SDK when it is asked for.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from importlib import import_module
from time import time
from typing import Any, Literal, cast

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar

from adapters.manifest import Account
from adapters.registry import manifest
from gateway.model.finding import Finding, problem, warning

ASK_SECONDS = 8
"""How long one answer may take."""

SKEW_NOTICED = 30.0
SKEW_HARMFUL = 300.0
"""Seconds that this machine's clock may differ from the platform's."""

Respond = Literal["mention", "always", "never"]


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found out about one account.

    `name` is what its people call the bot, empty where the platform does not accept the account. `unheard`
    says that the platform could not be asked, so that nothing is known about the tokens.
    """

    name: str = ""
    findings: tuple[Finding, ...] = ()
    unheard: bool = False


Probe = Callable[[str, Account, Respond], Awaitable[Examined]]
"""Examines an account: what its findings are called, its config, and which group messages are answered."""


def prober(platform: str) -> Probe:
    """How accounts of a platform are examined. This imports its SDK."""
    package = manifest(platform).connect.partition(":")[0].rpartition(".")[0]
    return cast("Probe", import_module(f"{package}.probe").probe)


async def clock(check: str, url: str) -> tuple[Finding, ...]:
    """How far this clock is from that of a server; nothing where it does not say or is not there."""
    begun = time()
    limits = ClientTimeout(total=ASK_SECONDS)
    try:
        async with (
            ClientSession(timeout=limits, cookie_jar=DummyCookieJar()) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            date = answer.headers.get("Date", "")
    except (ClientError, OSError, TimeoutError):
        return ()  # whoever asks for more says why
    seconds = skew(date, begun, time())
    return () if seconds is None else judged(check, seconds)


def skew(date: str, begun: float, ended: float) -> float | None:
    """Seconds by which this machine is ahead; 0 for what a request from `begun` to `ended` cannot tell.

    `date` is the server's Date header, in whole seconds; None where it is none.
    """
    try:
        theirs = parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
    if theirs > ended:
        return ended - theirs
    return max(0.0, begun - (theirs + 1))


def judged(check: str, seconds: float) -> tuple[Finding, ...]:
    """What a difference between the clocks means."""
    if abs(seconds) < SKEW_NOTICED:
        return ()
    grave = problem if abs(seconds) >= SKEW_HARMFUL else warning
    way = "ahead of" if seconds > 0 else "behind"
    found = f"this machine's clock is {abs(seconds):.0f} s {way} the platform's"
    return (grave(check, found, "let it be set by NTP (timedatectl set-ntp true)"),)


async def together(*work: Awaitable[Any]) -> list[Any]:
    """The results of several questions that are asked at once. None of them may raise."""
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(_waited(one)) for one in work]
    return [task.result() for task in asked]


async def _waited(work: Awaitable[Any]) -> Any:  # noqa: ANN401
    return await work
