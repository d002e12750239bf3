"""Playbooks: conversations written down as traces. One line is one event, or one effect of the event above.

    ann >> dig a hole                 an event: Ann writes this
    agent << ann: dig a hole          its effect: the agent is given this in Ann's conversation
    agent >> ann: dug                 an event: the agent answers
    ann << dug                        its effect: Ann is shown this

Effects that are not written down fail a playbook as much as those that do not come. In one chat, and in one
agent's conversation, their order counts; between them it does not.

Who acts: a person (`ann`, or `ann@garden/beds` in a thread of a group), `agent`, `gateway`, `operator`,
`platform`, `time` and `config`. A person's `/word` is a command and `[Label]` a pressed button. `<...>` in
front of a prompt sums up its recovery note; brackets in front of a message name one of the gateway's own, or
a button.
"""

import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

from gateway.config.types import parse_duration
from gateway.model.operation import Intent
from gateway.store.sqlite import LEDGER_FILE, open_sqlite
from tests.harness.settings import merged
from tests.harness.waiting import within
from tests.playbook.theatre import PEOPLE, Theatre


@dataclass
class Scene:
    """One event and the effects that it has to have."""

    number: int
    actor: str
    what: str
    effects: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.actor} >> {self.what}"


def scenes(script: str) -> list[Scene]:
    """The scenes of a playbook."""
    found: list[Scene] = []
    for number, raw in enumerate(dedent(script).strip().splitlines(), 1):
        line = raw.strip()
        actor, sign, what = line.partition(" >> ")
        if sign:
            found.append(Scene(number, actor, what))
        elif " << " in line:
            found[-1].effects.append(line)
        elif line and not line.startswith("#"):
            raise AssertionError(f"line {number} is neither an event nor an effect: {line}")
    return found


async def play(folder: Path, script: str, **settings: object) -> Theatre:
    """Play a playbook on a new ledger and compare; the state in which it ends."""
    failure: AssertionError | None = None
    async with open_sqlite(folder / LEDGER_FILE) as store:
        theatre = Theatre(folder, store, settings)
        try:
            for scene in scenes(script):
                await perform(theatre, scene)
                await compare(theatre, scene)
        except AssertionError as error:
            failure = error  # raised outside, where no task group wraps it
        finally:
            await theatre.kill()
    if failure is not None:
        raise failure
    return theatre


async def perform(theatre: Theatre, scene: Scene) -> None:
    """Let an event happen."""
    if scene.actor.partition("@")[0] in PEOPLE:
        await theatre.hear(scene.actor, scene.what)
    elif scene.actor == "agent":
        name, _, what = scene.what.partition(": ")
        theatre.players.act(name, what)
    elif scene.actor == "time":
        theatre.clock.advance(parse_duration(scene.what))
    elif scene.actor == "config":
        theatre.settings = merged(theatre.settings, json.loads(scene.what))
    else:
        word, _, rest = scene.what.partition(" ")
        await MACHINERY[scene.actor][word](theatre, rest)


async def compare(theatre: Theatre, scene: Scene) -> None:
    """Wait for the effects that should come, then look whether there are others."""
    wanted = by_actor(scene.effects)

    def enough() -> bool:
        found = by_actor(theatre.effects)
        astray = any(lines != wanted.get(actor, [])[: len(lines)] for actor, lines in found.items())
        return astray or all(len(found.get(actor, [])) >= len(lines) for actor, lines in wanted.items())

    try:
        await within(theatre.until(enough), "the effects")
        if any(effect.startswith("gateway << ") for effect in scene.effects):
            await theatre.ended()
        await theatre.quiet()
    except AssertionError as error:
        raise AssertionError(f"{error}\n{difference(scene, theatre.effects)}") from None
    assert by_actor(theatre.effects) == wanted, difference(scene, theatre.effects)
    theatre.effects.clear()


def by_actor(effects: Iterable[str]) -> dict[str, list[str]]:
    """Effects by chat, and by the conversation that an agent is spoken to in."""
    found: dict[str, list[str]] = defaultdict(list)
    for effect in effects:
        actor, _, what = effect.partition(" << ")
        found[f"{actor} {what.partition(':')[0]}" if actor == "agent" else actor].append(effect)
    return dict(found)


def difference(scene: Scene, found: list[str]) -> str:
    """For people."""
    wanted = "\n".join(f"    {line}" for line in scene.effects) or "    (nothing)"
    got = "\n".join(f"    {line}" for line in found) or "    (nothing)"
    return f"line {scene.number}: {scene}\n  should have\n{wanted}\n  has\n{got}"


# What can be said to the gateway and to the platform.

Act = Callable[[Theatre, str], Awaitable[None]]


async def _stop(theatre: Theatre, wait: str) -> None:
    _operations(theatre).stop(Intent.STOP, parse_duration(wait) if wait else None)


async def _restart(theatre: Theatre, wait: str) -> None:
    _operations(theatre).stop(Intent.RESTART, parse_duration(wait) if wait else None)


async def _undrain(theatre: Theatre, _rest: str) -> None:
    theatre.effects.append(f"operator << {_operations(theatre).undrain().text}")


async def _by_place(theatre: Theatre, action: str, place: str) -> None:
    outcome = await getattr(_operations(theatre), action)(await theatre.session_of(place))
    theatre.effects.append(f"operator << {type(outcome).__name__.lower()}")


async def _deliveries(theatre: Theatre, action: str) -> None:
    found = [d.id for d in await theatre.store.deliveries(10) if d.state in ("held", "rejected", "unknown")]
    (theatre.looked_at,) = found or [theatre.looked_at]  # what was dropped is not listed any more
    outcome = await getattr(_operations(theatre), action)(theatre.looked_at)
    theatre.effects.append(f"operator << {type(outcome).__name__.lower()}")


async def _upkeep(theatre: Theatre, _rest: str) -> None:
    assert theatre.gateway is not None
    await theatre.gateway.timers.sweep()


async def _lose(theatre: Theatre, place: str) -> None:
    theatre.chat.losing.add(place)


def _operations(theatre: Theatre):
    assert theatre.gateway is not None, "the gateway is down"
    return theatre.gateway.operations


MACHINERY: dict[str, dict[str, Act]] = {
    "gateway": {
        "start": lambda theatre, _: theatre.start(),
        "kill": lambda theatre, _: theatre.kill(),
        "upkeep": _upkeep,
    },
    "operator": {
        "stop": _stop,
        "restart": _restart,
        "undrain": _undrain,
        "suspend": lambda theatre, place: _by_place(theatre, "suspend", place),
        "resume": lambda theatre, place: _by_place(theatre, "resume", place),
        "reset": lambda theatre, place: _by_place(theatre, "reset", place),
        "retry": lambda theatre, _: _deliveries(theatre, "retry"),
        "drop": lambda theatre, _: _deliveries(theatre, "drop"),
    },
    "platform": {
        "reconnect": lambda theatre, _: theatre.connect(),
        "redeliver": lambda theatre, _: theatre.redeliver(),
        "lose": _lose,
    },
}
