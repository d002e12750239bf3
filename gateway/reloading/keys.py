"""Which keys of the config count at once, which need a restart, and what differs between two configs.

Every key is in one of two lists, so that a new one is not forgotten (a test sees to it). A key that needs a
restart keeps its value until then, whatever the file says: what counts is always a whole config.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final, Literal, cast, get_args, get_origin

from pydantic import BaseModel

from gateway.config.models import Config
from gateway.rules.allowance import Allowance

LIVE: Final = frozenset(
    {
        "default_agent",
        "access.default",
        "access.allow",
        "access.admins",
        "access.groups.respond",
        "sessions.busy",
        "sessions.max_queued",
        "sessions.idle_reset",
        "sessions.retention",
        "resume.enabled",
        "resume.reasons",
        "resume.freshness",
        "resume.instruction",
        "resume.ask_for",
        "resume.concurrency",
        "resume.max_attempts",
        "resume.breaker.boots",
        "resume.breaker.window",
        "shutdown.drain_timeout",
        "limits.concurrent_turns",
        "limits.messages_per_user",
        "limits.messages_per_account",
        "delivery.stream",
        "delivery.progress",
        "delivery.max_messages",
        "delivery.receipts",
        "delivery.on_unknown",
        "media.receive",
        "media.send",
        "media.max_size",
        "media.retention",
        "log.format",
        "log.level",
        "agents.*",
        "agents.*.preset",
        "agents.*.command",
        "agents.*.cwd",
        "agents.*.env",
        "agents.*.resume",
        "agents.*.permissions",
        "agents.*.permission_timeout",
        "agents.*.remember_permissions",
        "agents.*.mode",
        "agents.*.options",
        "agents.*.turn_idle_timeout",
        "agents.*.idle_timeout",
        "agents.*.start_timeout",
        "agents.*.cancel_timeout",
        "agents.*.drain_timeout",
        "agents.*.quiet_time",
        "agents.*.retry_waits",
        "agents.*.max_processes",
        "agents.*.processes",
    }
)
"""Counts as soon as the file is read. `*` is any name; what stands below such a key is as it is."""

RESTART: Final = frozenset(
    {
        "state_dir",  # everything that is open lies in it
        "store.url",
        "accounts.*",  # connections, and conversations that are bound to them
        "sessions.scope.direct",  # other addresses: half of a conversation would stay at the old one
        "sessions.scope.group",
        "http.listen",
        "http.token",
        "telemetry.otlp",
        "log.keep",
    }
)
"""Counts from the next start on."""

_NAMED: Final = frozenset({"accounts", "agents"})
"""Sections whose keys are names."""

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A key that differs. `what` says how, in words that tell no secret; `live` whether it counts at once."""

    key: str
    what: str
    live: bool

    def __str__(self) -> str:
        return f"{self.key}: {self.what}, {'counts now' if self.live else 'needs a restart'}"


def changes(old: Config, new: Config) -> tuple[Change, ...]:
    """Every key that differs, in the config's order. Values are told only where they can hold no secret."""
    return tuple(Change(".".join(key), what, is_live(key)) for key, what in _differences(old, new, ()))


def held_back(running: Config, new: Config) -> Config:
    """`new` with the values of `running` wherever only a restart can change them: what counts from now on."""
    places = [key.removesuffix(".*").split(".") for key in sorted(RESTART)]
    return reduce(lambda config, place: _with(config, place, running), places, new)


def is_live(key: Key) -> bool:
    """Whether a key counts at once. One that nobody has thought of needs a restart."""
    names = [*key[:1], "*", *key[2:]] if key[0] in _NAMED else key
    paths = [".".join(names[:length]) for length in range(len(names), 0, -1)]
    return next((path in LIVE for path in paths if path in LIVE or path in RESTART), False)


def _with(config: Config, place: Iterable[str], running: Config) -> Config:
    """The config with one value of another one; validated they both were."""
    head, *rest = place
    value = getattr(running, head)
    inner = _with(getattr(config, head), rest, value) if rest else value
    return config.model_copy(update={head: inner})


def _differences(old: BaseModel, new: BaseModel, above: Key) -> Iterator[tuple[Key, str]]:
    for name in type(old).model_fields:
        before, after = getattr(old, name), getattr(new, name)
        if before == after:
            continue
        key = (*above, name)
        if isinstance(before, BaseModel) and type(before) is type(after):
            yield from _differences(before, after, key)
        elif isinstance(before, Mapping):
            yield from _by_name(cast("Mapping[str, object]", before), after, key)
        else:
            yield key, _told(name, old, new)


def _by_name(old: Mapping[str, object], new: Mapping[str, object], above: Key) -> Iterator[tuple[Key, str]]:
    for name in sorted({*old, *new}):
        before, after, key = old.get(name), new.get(name), (*above, name)
        if before == after:
            continue
        if isinstance(before, BaseModel) and isinstance(after, BaseModel) and type(before) is type(after):
            yield from _differences(before, after, key)
        else:
            yield key, "added" if before is None else "removed" if after is None else "changed"


def _told(name: str, old: BaseModel, new: BaseModel) -> str:
    shown, now = _words(name, old), _words(name, new)
    return f"{now} instead of {shown}" if shown and now else "changed"


def _words(name: str, section: BaseModel) -> str:
    """A value as the file has it, empty for what may be a secret: any text that people choose freely."""
    value, field = getattr(section, name), type(section).model_fields[name]
    if isinstance(value, str):
        return value if value in _literals(field.annotation) else ""
    if value is not None and not isinstance(value, bool | int | float | Allowance):
        return ""
    written = section.model_dump(mode="json", include={name})[name]
    return written if isinstance(written, str) else json.dumps(written)


def _literals(annotation: object) -> frozenset[Any]:
    if get_origin(annotation) is Literal:
        return frozenset(get_args(annotation))
    parts = cast("tuple[object, ...]", get_args(annotation))
    return frozenset(word for part in parts for word in _literals(part))
