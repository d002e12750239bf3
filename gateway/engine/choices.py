"""What people choose in the chat: the agent that answers there, its mode and its model.

A choice is kept with the conversation, so that it holds after each new start of the agent too. What there is
to choose from is asked of the agent each time. To carry a choice out twice comes to the same as once, because
a crash may fall between the choice and its answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from weakref import WeakValueDictionary

from gateway.engine.access import Access
from gateway.engine.lanes import Lanes
from gateway.engine.persist import until_written
from gateway.model.choices import AgentOffer, Choice, Chosen, Settings
from gateway.model.intake import Accepted
from gateway.model.session import ResumeMode, Session
from gateway.model.text import storable
from gateway.ports import Agents, Clock, Store
from gateway.rules.choosing import pick
from gateway.rules.words import one_line

MODE, MODEL = "mode", "model"
RESERVED = "Only administrators may choose the {word} of {agent}: its config decides about it."
BY_ADMINS = "An administrator chooses it, from these:"

MOST_LISTED = 40
"""Choices that a list names. A longer one is searched by the beginning of a name."""

MOST_COMMANDS = 20
_LINE = 80

_BEGAN = {
    ResumeMode.LIVE: "its process still held this conversation",
    ResumeMode.NATIVE: "it took this conversation up again with its own memory of it",
    ResumeMode.BOOTSTRAP: "it was given a transcript of this conversation",
    ResumeMode.FRESH: "it had nothing to go on with",
}
"""How an agent's session was continued, for people."""

Action = Callable[[Accepted], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class ChoiceParts:
    """What choices act on."""

    store: Store
    lanes: Lanes
    agents: Agents
    clock: Clock
    access: Access


@dataclass(frozen=True, slots=True)
class _Topic:
    """A mode or a model to be chosen. `option` is the config option that it is, empty for a mode proper."""

    word: str
    option: str = ""
    current: str = ""
    choices: tuple[Choice, ...] = ()


class Choices:
    """Carries out /agent, /mode and /model, and tells what was chosen.

    `agents` names the configured ones, each with the words that only administrators choose of it.
    """

    def __init__(self, parts: ChoiceParts, agents: Mapping[str, frozenset[str]], default_agent: str) -> None:
        self._parts = parts
        self._access = parts.access
        self._agents = tuple(Choice(name, name) for name in agents)
        self._reserved = agents
        self._default_agent = default_agent
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def reconfigure(self, agents: Mapping[str, frozenset[str]], default_agent: str) -> None:
        """The agents that there are from now on."""
        self._agents = tuple(Choice(name, name) for name in agents)
        self._reserved = agents
        self._default_agent = default_agent

    @property
    def actions(self) -> Mapping[str, Action]:
        """The commands, by name."""
        return {
            "agent": self._in_order(lambda session, wanted, _may: self._agent(session, wanted)),
            MODE: self._in_order(partial(self._setting, MODE), MODE),
            MODEL: self._in_order(partial(self._setting, MODEL), MODEL),
        }

    def status(self, session: Session) -> list[str]:
        """Agent, mode and model of a conversation, each as one line."""
        agent = self._agent_of(session)
        # Also after it was to begin and could not: only one that began is known to have answered.
        before = (
            f", which has not begun here yet; {session.agent} answered until now" if session.agent else ""
        )
        if session.agent == agent:
            before = f"; when it last began, {_BEGAN[session.last_mode]}" if session.last_mode else ""
        lines = [f"Agent: {agent}{before}."]
        offer = self._offer(session)
        for word in (MODE, MODEL):
            topic = _topic(offer, word) if offer else None
            wish = _wished(session.chosen.settings, word)
            if topic and topic.current:
                lines.append(f"{word.capitalize()}: {_named(topic)}.")
            elif wish and offer is None:
                lines.append(f"{word.capitalize()}: {_short(wish)}, when the agent starts.")
        return lines

    def commands(self, session: Session, own: frozenset[str]) -> list[str]:
        """The agent's slash commands, each as one line, without those that are the gateway's `own`."""
        offer = self._offer(session)
        if offer is None:
            return ["The agent's own commands are listed here too, while it is at work in this conversation."]
        offered = [command for command in offer.commands if command.name.lower() not in own]
        if not offered:
            return []
        shown = [f"/{command.name}: {command.description}" for command in offered[:MOST_COMMANDS]]
        more = [f"and {len(offered) - MOST_COMMANDS} more."] if len(offered) > MOST_COMMANDS else []
        title = f"Commands of the agent {self._agent_of(session)}:"
        return [title, *(_short(line.rstrip(": ")) for line in shown), *more]

    def _in_order(self, action: Callable[[Session, str, bool], Awaitable[str]], word: str = "") -> Action:
        """Choices in one conversation one after the other: commands run beside each other."""

        async def act(accepted: Accepted) -> str:
            async with self._locks.setdefault(accepted.session_id, asyncio.Lock()):
                session = await self._parts.store.session(accepted.session_id)
                assert session is not None
                wanted = accepted.text.strip()
                may = await self._may_choose(session, word, accepted.message_id)
                if wanted and not may:
                    return RESERVED.format(word=word, agent=self._agent_of(session))
                return await action(session, wanted, may)

        return act

    async def _may_choose(self, session: Session, word: str, message_id: int) -> bool:
        """Where the config decides about an agent's freedom, not everybody in the chat may widen it."""
        if word not in self._reserved.get(self._agent_of(session), frozenset()):
            return True
        author = (await self._parts.store.origin(message_id)).author_id
        return self._access.is_admin(session.address.account, author)

    async def _agent(self, session: Session, wanted: str) -> str:
        current = self._agent_of(session)
        if not wanted:
            lines = _list(self._agents, current, "answers here")
            if current not in {agent.id for agent in self._agents}:
                lines.append(f"{current}, which was chosen here, is not in the config any more.")
            return "\n".join(["Agents; choose one with /agent NAME:", *lines])
        agent = _chosen(self._agents, "agent", current, wanted)
        if isinstance(agent, str):
            return agent
        if agent.id == current and session.agent in (None, current):
            return f"{current} answers here already."
        if agent.id != current:
            await self._keep(session, Chosen(agent.id))
        busy = self._parts.lanes.busy(session.id)
        if not busy:
            await self._parts.agents.forget(session.id)
        said = [f"From the next message on, {agent.id} answers here."]
        if session.agent not in (None, agent.id):
            said.append("It is given a transcript of what was said here so far.")
        if busy:
            said.append("What is being worked on now is finished first.")
        return " ".join(said)

    async def _setting(self, word: str, session: Session, wanted: str, may: bool) -> str:
        offer = self._offer(session)
        if offer is None:
            return await self._wish(session, word, wanted) if wanted else _untold(session, word)
        topic = _topic(offer, word)
        if topic is None:
            neither = not any(_topic(offer, other) for other in (MODE, MODEL))
            what = "neither modes nor models" if neither else f"no {word}s"
            return f"The agent {self._agent_of(session)} has {what} to choose from."
        if not wanted:
            now = f"The {word} is {_named(topic)}. " if topic.current else ""
            lines = _list(topic.choices, topic.current, "current")
            return "\n".join([now + (f"Choose one with /{word} NAME:" if may else BY_ADMINS), *lines])
        choice = _chosen(topic.choices, word, topic.current, wanted)
        return choice if isinstance(choice, str) else await self._set(session, topic, choice)

    async def _wish(self, session: Session, word: str, wanted: str) -> str:
        """No process holds the conversation, so nobody can say what there is: any wish is kept."""
        await self._keep_setting(session, _Topic(word, MODEL if word == MODEL else ""), wanted)
        again = await self._parts.store.session(session.id)
        if again is None or self._offer(again) is None:
            return _kept(word, wanted)
        # The agent has been started meanwhile, maybe without it: so it is judged after all.
        await self._keep(session, session.chosen)
        return await self._setting(word, replace(again, chosen=session.chosen), wanted, may=True)

    async def _set(self, session: Session, topic: _Topic, choice: Choice) -> str:
        agents = self._parts.agents
        problem = await (
            agents.set_option(session.id, topic.option, choice.id)
            if topic.option
            else agents.set_mode(session.id, choice.id)
        )
        held = self._offer(session) is not None
        if problem and held:
            return storable(problem)
        await self._keep_setting(session, topic, choice.id)
        # An agent that went away meanwhile refused nothing: it is told when it starts again.
        return f"The {topic.word} is {_short(choice.name)} now." if held else _kept(topic.word, choice.name)

    async def _keep_setting(self, session: Session, topic: _Topic, value: str) -> None:
        settings = session.chosen.settings
        if topic.option:
            others = (pair for pair in settings.options if pair[0] not in (topic.word, topic.option))
            settings = replace(settings, options=(*others, (topic.option, value)))
        else:
            settings = replace(settings, mode=value)
        await self._keep(session, replace(session.chosen, settings=settings))

    async def _keep(self, session: Session, chosen: Chosen) -> None:
        store, clock = self._parts.store, self._parts.clock
        await until_written(clock, lambda: store.choose(session.id, chosen))

    def _agent_of(self, session: Session) -> str:
        return session.chosen.agent or self._default_agent

    def _offer(self, session: Session) -> AgentOffer | None:
        """What the agent offers that answers the next message; the one before it may still be at work."""
        if session.agent not in (None, self._agent_of(session)):
            return None
        return self._parts.agents.offer(session.id)


async def set_meanwhile(store: Store, agents: Agents, session: Session) -> tuple[str, ...]:
    """Set what people chose while an agent was being started with what the session had had before.

    Called after it has started and that is in the ledger; the sentences of what it did not take.
    """
    now = await store.session(session.id)
    if now is None or now.chosen.agent != session.chosen.agent:
        return ()
    old, new = session.chosen.settings, now.chosen.settings
    problems = [
        await agents.set_option(session.id, option, value)
        for option, value in new.options
        if (option, value) not in old.options
    ]
    if new.mode and new.mode != old.mode:
        problems.append(await agents.set_mode(session.id, new.mode))
    return tuple(problem for problem in problems if problem)


def _topic(offer: AgentOffer, word: str) -> _Topic | None:
    """What an agent offers of these; some have their modes among the config options only."""
    if word == MODE and offer.modes:
        return _Topic(word, "", offer.mode, offer.modes)
    for option in offer.options:
        if word in (option.category, option.id) and option.choices:
            return _Topic(word, option.id, option.current, option.choices)
    return None


def _wished(settings: Settings, word: str) -> str | None:
    return settings.mode if word == MODE else dict(settings.options).get(MODEL)


def _untold(session: Session, word: str) -> str:
    """What to say of choices that nobody knows at the moment."""
    wish = _wished(session.chosen.settings, word)
    later = f" When it starts, its {word} is set to {_short(wish)}." if wish else ""
    return f"The agent tells its {word}s once it is at work here: send it something first.{later}"


def _chosen(choices: Sequence[Choice], word: str, current: str, wanted: str) -> Choice | str:
    """The choice that is wanted, or what to say where it is none or not clear."""
    found = pick(choices, wanted)
    if len(found) == 1:
        return found[0]
    if found:
        return "\n".join([f"{_short(wanted)} could be any of these:", *_list(found, current, "current")])
    lines = _list(choices, current, "current")
    return "\n".join([f"There is no {word} {_short(wanted)} here. You can choose one of these:", *lines])


def _list(choices: Sequence[Choice], current: str, mark: str) -> list[str]:
    lines = [
        f"- {_label(choice)} ({mark})" if choice.id == current else f"- {_label(choice)}"
        for choice in choices[:MOST_LISTED]
    ]
    if len(choices) > MOST_LISTED:
        lines.append(f"and {len(choices) - MOST_LISTED} more, found by the beginning of their names.")
    return lines


def _label(choice: Choice) -> str:
    same = choice.id.casefold() == choice.name.casefold()
    return _short(choice.id if same else f"{choice.id}: {choice.name}")


def _named(topic: _Topic) -> str:
    """What to call the current choice, which need not be among those that are offered."""
    named = (choice.name for choice in topic.choices if choice.id == topic.current)
    return _short(next(named, topic.current))


def _kept(word: str, wanted: str) -> str:
    return f"Kept: the {word} is set to {_short(wanted)} when the agent starts here."


def _short(text: str) -> str:
    return one_line(text, _LINE)
