"""Has the config file count while the gateway runs: told to by a signal or a person, or because it changed.

A file that cannot be used changes nothing but what is said about it. What counts is swapped between two
events, all of it or nothing. What follows from that, such as ending the work of people who are not let in any
more, is done after it and may take its time.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from gateway import log
from gateway.config.models import Config
from gateway.config.tree import Problem
from gateway.model.operation import ConfigStatus, Done, OperationOutcome, Refused
from gateway.ports import Clock
from gateway.reloading.apart import Apart
from gateway.reloading.coalesced import Coalesced
from gateway.reloading.files import Stamps, is_pipe, stamps
from gateway.reloading.keys import Change, changes, held_back
from gateway.reloading.latest import Latest, latest

_log = log.get()

LOOK_SECONDS = 1.0
"""How often the files are looked at. One that changed is read when two looks find it the same: it may be half
written."""

ANSWER_SECONDS = 10.0
"""How long an answer waits for what follows from a change. It goes on by itself."""

SECRETS = 1000
"""Secrets of earlier configs that are still kept out of the log, the latest."""

STOPPING = "the gateway is stopping; its next start reads the file"
PIPED = "a pipe can be read only once, which the start did; `carryon restart` reads a new one"
SILENT = "the file system of the config does not answer; what counted goes on to count"
UNCHANGED = "nothing changed"
RESTART = "what needs a restart counts after `carryon restart`, which loses nothing"
FAILED = "the file could not be taken over because of an error that is not its own; the log says which"

Odd = tuple[str, str]
"""What a warning is known again by when the file has other lines: its key and its text."""


@dataclass(frozen=True, slots=True)
class Effects:
    """What a changed config does. `swap` has all of it count, without a pause; `settle` does what follows.

    `settle` is given the keys that changed. `begin` and `end` frame what somebody asked for.
    """

    swap: Callable[[Config], None]
    settle: Callable[[Collection[str], Config], Awaitable[None]]
    stopping: Callable[[], bool]
    begin: Callable[[], None] = lambda: None
    end: Callable[[], None] = lambda: None


class Reloader:
    """The `ConfigFile` port."""

    def __init__(
        self, path: Path, config: Config, effects: Effects, clock: Clock, group: asyncio.TaskGroup
    ) -> None:
        self._path = path.absolute()
        self._config = config
        self._effects = effects
        self._clock = clock
        self._secrets = dict.fromkeys(config.secrets())
        self._status = ConfigStatus(str(self._path), clock.now())
        self._files: Collection[str] = (str(self._path),)
        self._read: Stamps = {}
        self._asked = False
        self._first = True
        self._silent = False
        self._apart = Apart("config-reading")
        self._looking = Apart("config-looks")
        self._odd: frozenset[Odd] | None = None
        self._unsettled: set[str] = set()
        self._reading = Coalesced(group, self._supervised, "reload")
        self._settling = Coalesced(group, self._settle, "reload-settling")
        self._settled: asyncio.Task[None] | None = None

    @property
    def status(self) -> ConfigStatus:
        return self._status

    def ask(self) -> None:
        """As `reload`, for whoever wants no answer. Once the gateway stops, nothing happens."""
        if self._effects.stopping():
            _log.info("config.not_reloaded", why=STOPPING)
            return
        self._asked = True
        self._reading.wish()

    async def reload(self) -> OperationOutcome:
        if self._effects.stopping():
            return Refused(STOPPING)
        self._asked = True
        outcome = await asyncio.shield(self._reading.wish())
        if self._settled is not None:
            await asyncio.wait({self._settled}, timeout=ANSWER_SECONDS)
        return outcome

    async def watch(self) -> None:
        """Read the file again whenever it, or one that it names, has changed; until cancelled."""
        before: Stamps = {}
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            try:
                now = await self._looking.call(partial(stamps, tuple(self._files)))
            except TimeoutError:
                self._say_silent()
                continue
            self._silent = False
            if now == before != self._read and not self._effects.stopping():
                self._read = now
                await asyncio.shield(self._reading.wish())
            before = now

    async def _supervised(self) -> OperationOutcome:
        asked, self._asked = self._asked, False
        if asked:
            self._effects.begin()
        try:
            return await self._reload(asked=asked)
        except Exception:  # noqa: BLE001  supervisor: an edit of a file must not end the gateway
            _log.exception("config.error")
            return Refused(FAILED)
        finally:
            if asked:
                self._effects.end()

    async def _reload(self, *, asked: bool) -> OperationOutcome:
        try:
            known, found, piped = await self._apart.call(partial(self._look, tuple(self._files)))
        except TimeoutError:
            self._say_silent()
            return Refused(SILENT)
        first, self._first = self._first, False
        if found is None:
            self._read = known
            return self._left(PIPED, asked=asked)
        self._files = {str(self._path), *found.files}
        # A file that is named for the first time was read before anybody had looked at it: it is read again.
        self._read = {path: known.get(path, ()) for path in self._files}
        if self._effects.stopping():
            return Refused(STOPPING)
        if found.config is None and piped and first and not asked:
            # It is what the start has read, and only looked at because nobody knows whether it still is.
            return self._left(PIPED, asked=asked)
        return self._broken(found.problems) if found.config is None else self._take(found.config, found)

    def _look(self, files: Collection[str]) -> tuple[Stamps, Latest | None, bool]:
        """How the files are, and then what they say: what is written meanwhile is seen by the next look.

        And whether one that is named is a pipe. None where the config itself is one: it is not read again.
        """
        known = stamps(files)
        if is_pipe(str(self._path)):
            return known, None, True
        found = latest(self._path, self._config, os.environ)
        pipes = list(filter(is_pipe, found.files))
        return known | stamps(pipes), found, bool(pipes)

    def _left(self, why: str, *, asked: bool) -> Refused:
        """Nothing was read, and nothing is wrong."""
        if asked:
            _log.info("config.not_reloaded", why=why)
        return Refused(why)

    def _say_silent(self) -> None:
        if not self._silent:
            _log.warning("config.not_reloaded", why=SILENT)
        self._silent = True

    def _broken(self, problems: tuple[str, ...]) -> OperationOutcome:
        for problem in problems:
            _log.error("config.broken", problem=problem)
        self._status = replace(self._status, problems=problems)
        return Refused("\n".join(problems), problems)

    def _take(self, new: Config, file: Latest) -> OperationOutcome:
        """From here to the end nothing is awaited."""
        found = changes(self._config, new)
        live = tuple(change.key for change in found if change.live)
        pending = tuple(change.key for change in found if not change.live)
        news = live or pending != self._status.needs_restart or self._status.problems
        config = held_back(self._config, new)
        self._log_as(config, new)
        if live:
            self._effects.swap(config)
            self._config = config
        self._status = ConfigStatus(self._status.path, self._clock.now(), pending)
        if news:
            _log.info("config.reloaded", changed=list(map(str, found)), needs_restart=list(pending))
        if live:
            self._unsettled.update(live)
            self._settled = self._settling.wish()
        return Done("\n".join([_answer(found), *(f"warning: {one}" for one in self._new_warnings(file))]))

    def _new_warnings(self, found: Latest) -> list[str]:
        """What is odd since the last reading; at the first one, what was not with the config of the start.

        What is seen first is logged: all of it by the first reading, which comes soon after the start.
        """
        logged = self._odd or frozenset()
        known = frozenset(map(_odd, found.before)) if self._odd is None else self._odd
        for one in found.odd:
            if _odd(one) not in logged:
                _log.warning("config.odd", warning=str(one))
        self._odd = frozenset(map(_odd, found.odd))
        return [str(one) for one in found.odd if _odd(one) not in known]

    def _log_as(self, config: Config, new: Config) -> None:
        """Log as the config says, without its secrets; nor those of earlier ones, which may still turn up."""
        latest = new.secrets()
        if config.log == self._config.log and self._secrets.keys() >= set(latest):
            return
        earlier = [secret for secret in self._secrets if secret not in latest]
        self._secrets = dict.fromkeys([*earlier, *latest][-SECRETS:])
        log.configure(config.log.format, config.log.level, self._secrets)

    async def _settle(self) -> None:
        keys, self._unsettled = self._unsettled, set()
        try:
            await self._effects.settle(keys, self._config)
        except Exception:  # noqa: BLE001  supervisor: an edit of a file must not end the gateway
            _log.exception("config.error")


def _odd(problem: Problem) -> Odd:
    return problem.key, problem.text


def _answer(found: Collection[Change]) -> str:
    if not found:
        return UNCHANGED
    lines = [str(change) for change in found]
    return "\n".join([*lines, RESTART] if any(not change.live for change in found) else lines)
