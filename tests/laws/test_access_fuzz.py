"""Whatever people do in whatever order: who is not let in reaches no agent, no file, no command and nobody.

The real engine on a real ledger, over several boots. Every text that is written carries a token of its own,
so that whatever comes out at the other end is known to be somebody's. What is right is decided here, from the
config and the ledger's grants alone.
"""

import asyncio
import itertools
import os
import re
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from gateway.model.agent import CancelledPrompt, TextChunk, ToolUpdate
from gateway.model.attachment import Attachment
from gateway.model.grant import Grant, Role
from gateway.model.message import Change, Inbound, MessageKind
from gateway.model.permission import OptionKind, PermissionOption, PermissionRequest
from gateway.rules.access import AccessPolicy
from tests.helpers.doors import ANN, BOB, EVE, Doors, doors
from tests.helpers.fakes import Answer, ScriptedAgents
from tests.helpers.ledgers import ACCOUNT, Ledger, opened

FAY, GUS = "1004", "1005"
PEOPLE = (ANN, BOB, EVE, FAY, GUS)
"""Ann is the administrator and Bob is let in, unless a boot's config has dropped him. Fay was let in before
the first boot; the others are strangers until somebody lets them in."""

GARDEN = "-5/beds"
PLACES = ("", "", GARDEN, "-5")
TOKEN = re.compile(r"w\d+w")
MAY_DIG = PermissionRequest(
    ToolUpdate("call", "dig", "execute"),
    (
        PermissionOption("yes", "Yes", OptionKind.ALLOW_ONCE),
        PermissionOption("no", "No", OptionKind.REJECT_ONCE),
    ),
)
REFUSALS = ("This bot answers only people it knows", "You were let in", "Files are not taken")


@dataclass
class Words:
    """What one token is: who wrote it, whether they might then, and where."""

    author: str
    might: bool
    chat: str


@dataclass
class World:
    """What happened so far, over all boots."""

    ledger: Ledger
    policy: AccessPolicy = field(default_factory=AccessPolicy)
    grants: set[str] = field(default_factory=set)
    words: dict[str, Words] = field(default_factory=dict)
    events: dict[str, Words] = field(default_factory=dict)
    sent: list[Inbound] = field(default_factory=list)
    presses: set[tuple[str, str]] = field(default_factory=set)
    ever: set[str] = field(default_factory=set)
    revoking: set[str] = field(default_factory=set)
    numbers: itertools.count = field(default_factory=lambda: itertools.count(1))
    at: Doors | None = None

    def may(self, who: str) -> bool:
        """Whether somebody may use the bot now."""
        named = {*self.policy.allow, *self.policy.admins}
        return f"{ACCOUNT}:{who}" in named or who in self.grants

    async def look(self) -> None:
        """Who was let in by now."""
        self.grants = {grant.person for grant in await self.ledger.store.grants()}
        self.ever |= {who for who in PEOPLE if self.may(who)}


class Watched(ScriptedAgents):
    """Agents that look at whose words they are given. Some ask for a permission, some take their time."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self.holding: list[asyncio.Event] = []
        self.wrong: list[str] = []

    async def prompt(self, session_id, prompt, sink, ask):
        world = self._world
        session = await world.ledger.store.session(session_id)
        assert session is not None
        for token in TOKEN.findall(prompt.text):
            words = world.words[token]
            # A turn that had begun may reach its agent until the revocation is through, which cuts it.
            may = world.at.access.permits(ACCOUNT, words.author) or words.author in world.revoking
            if not (words.might and may):
                self.wrong.append(f"the agent is given {token} of {words}")
            if words.chat != session.address.chat:
                self.wrong.append(f"{token} of {words} in {session.address}")
        if "Finish" in prompt.note:
            outsiders = [t for t in TOKEN.findall(prompt.note) if not world.may(world.words[t].author)]
            self.wrong += [f"the agent is to finish {token}" for token in outsiders]
        answer = Answer((TextChunk("ok"),))
        if "ask" in prompt.text:
            answer = Answer(asks=(MAY_DIG,))
        elif "hold" in prompt.text:
            answer = Answer(held=asyncio.Event(), on_cancel=CancelledPrompt())
            self.holding.append(answer.held)
        self.answers.append(answer)
        return await super().prompt(session_id, prompt, sink, ask)


WHO = st.sampled_from(PEOPLE)
STRANGER = st.sampled_from((EVE, FAY, GUS, EVE))
DATA = ("may:{n}:0", "may:{n}:1", "go:{n}:{n}", "no:{n}:{n}", "again:{n}", "pair:y:{code}", "pair:n:{code}")
ACTIONS = st.one_of(
    st.tuples(st.just("write"), WHO, st.sampled_from(PLACES), st.sampled_from(("", "ask", "hold", "file"))),
    st.tuples(st.just("write"), STRANGER, st.sampled_from(PLACES), st.sampled_from(("", "hold", "file"))),
    st.tuples(
        st.just("command"),
        WHO,
        st.sampled_from(PLACES),
        st.sampled_from(("stop", "new", "resume", "status", "restart", "whatever")),
    ),
    st.tuples(st.just("press"), WHO, st.sampled_from(PLACES), st.sampled_from(DATA), st.integers(1, 4)),
    st.tuples(st.just("press"), STRANGER, st.just(""), st.sampled_from(DATA), st.integers(1, 4)),
    st.tuples(st.just("change"), WHO, st.sampled_from((Change.EDITED, Change.DELETED)), st.integers(0, 9)),
    st.tuples(
        st.just("change"), STRANGER, st.sampled_from((Change.EDITED, Change.DELETED)), st.integers(0, 9)
    ),
    st.tuples(st.just("redeliver"), st.integers(0, 9)),
    st.tuples(st.just("approve"), st.sampled_from(Role)),
    st.tuples(st.just("revoke"), STRANGER),
    st.tuples(st.just("work"), WHO, st.sampled_from(PLACES)),
    st.tuples(st.just("work"), st.sampled_from((FAY, GUS)), st.sampled_from(PLACES)),
    st.tuples(st.just("cut"), st.sampled_from((FAY, GUS)), st.sampled_from(PLACES), st.booleans()),
    st.tuples(st.just("release")),
    st.tuples(st.just("wait"), st.sampled_from((1.0, 60.0, 3601.0))),
    st.tuples(st.just("settle")),
)
BOOTS = st.lists(st.tuples(st.booleans(), st.lists(ACTIONS, max_size=14)), min_size=1, max_size=3)


async def write(world: World, who: str, place: str, how: str) -> None:
    number = next(world.numbers)
    files = (Attachment(f"ref-w{number}w", "a.txt"),) if how == "file" else ()
    await hear(world, who, place, f"w{number}w {how}", attachments=files, message_ref=f"m{number}")


async def command(world: World, who: str, place: str, name: str) -> None:
    await hear(world, who, place, f"w{next(world.numbers)}w", command=name)


async def press(world: World, who: str, place: str, data: str, number: int) -> None:
    """Anybody who writes a client of their own can send the data of any button."""
    now = world.at.it.clock.now()
    codes = [one.code for one in await world.ledger.store.pairings(now)]
    data = data.format(n=number, code=codes[number % len(codes)] if codes else "ABCDEFGH")
    if world.may(who):
        world.presses.add((who, place.partition("/")[0] or who))
    await hear(world, who, place, "", button=data)


async def change(world: World, who: str, kind: Change, index: int) -> None:
    """Somebody changes or takes back a message, maybe one of somebody else."""
    refs = [one for one in world.sent if one.message_ref]
    if not refs:
        return
    old = refs[-1 - index % len(refs)]
    place = "" if not old.thread and old.chat in PEOPLE else f"{old.chat}/{old.thread}".rstrip("/")
    text = f"w{next(world.numbers)}w" if kind is Change.EDITED else ""
    await hear(world, who, place, text, chat=old.chat, message_ref=old.message_ref, change=kind)


async def redeliver(world: World, index: int) -> None:
    if world.sent:
        await world.at.take(world.sent[-1 - index % len(world.sent)])


async def work(world: World, who: str, place: str) -> None:
    """The agent is at work for somebody, and more of theirs waits."""
    await write(world, who, place, "hold")
    await settle(world)
    await write(world, who, place, "")


async def cut(world: World, who: str, place: str, quick: bool) -> None:
    """Somebody is revoked in the middle of something, or in the very moment of writing."""
    if not quick:
        await work(world, who, place)
        await revoke(world, who)
        return
    async with asyncio.TaskGroup() as group:
        group.create_task(write(world, who, place, "hold"))
        group.create_task(revoke(world, who))


async def approve(world: World, role: Role) -> None:
    codes = await world.ledger.store.pairings(world.at.it.clock.now())
    if codes:
        await world.at.operations.pair(codes[0].code, role)


async def revoke(world: World, who: str) -> None:
    world.revoking.add(who)
    await world.at.operations.revoke(ACCOUNT, who)
    world.revoking.discard(who)
    await world.look()
    theirs = [s for s in world.at.it.agents.running if await author_at_work(world, s) == who]
    assert world.may(who) or not theirs, f"{who} was revoked and is still worked for"


async def author_at_work(world: World, session_id: int) -> str:
    session = await world.ledger.store.session(session_id)
    return session.origin.author_id


async def release(world: World) -> None:
    for event in world.at.it.agents.holding:
        event.set()


async def wait(world: World, seconds: float) -> None:
    world.at.it.clock.advance(seconds)


async def settle(world: World) -> None:
    await world.at.settled()


ACTS: dict[str, Callable[..., Awaitable[None]]] = {
    "write": write,
    "command": command,
    "press": press,
    "change": change,
    "redeliver": redeliver,
    "approve": approve,
    "revoke": revoke,
    "release": release,
    "wait": wait,
    "settle": settle,
    "work": work,
    "cut": cut,
}


async def hear(world: World, who: str, place: str, text: str, **more) -> None:
    await world.look()
    item = world.at.inbound(who, text, group=place, **more)
    words = Words(who, world.may(who), item.chat)
    world.events[item.event_id] = words
    world.words.update(dict.fromkeys(TOKEN.findall(text), words))
    if item.change is Change.NEW:
        world.sent.append(item)
    await world.at.take(item)


async def check(world: World) -> None:
    """Nothing of what came about is a stranger's."""
    at, store = world.at, world.ledger.store
    await world.look()
    assert at.it.agents.wrong == []
    for stored in at.fetched:
        (token,) = TOKEN.findall(stored.attachment.ref)
        assert world.words[token].might, f"a file of {world.words[token]} is fetched"
    for session in await store.sessions(100):
        for message in await store.messages(session.id):
            if message.kind is MessageKind.INTERNAL:
                continue
            author, said = message.origin.author_id, [world.words[t] for t in TOKEN.findall(message.text)]
            # What has an id of the gateway's own came of a command, which is looked at itself.
            came = world.events.get(message.event_id, Words(author, might=author in world.ever, chat=""))
            assert came.might, f"{message} was accepted"
            assert {came.author, author} == {author}
            assert {author, *(words.author for words in said)} == {author}, (
                f"{message} was changed by another"
            )
    for number in range(1, 6):
        approval = await store.approval(number)
        if approval is not None and approval.decided_by:
            place = (await store.session(approval.session_id)).address.chat
            assert (approval.decided_by, place) in world.presses, f"{approval} was decided from elsewhere"
    for grant in await store.grants():
        assert grant.by == "operator" or grant.by.partition(":")[2] in world.ever, f"{grant}"
    for delivery in at.it.chat.delivered:
        chat = delivery.route.chat
        if chat in PEOPLE and chat not in world.ever:
            assert delivery.body.startswith(REFUSALS), f"{chat} was told {delivery.body!r}"


async def play(folder: Path, boots: list) -> None:
    failure: BaseException | None = None
    async with opened("sqlite", folder) as ledger:
        world = World(ledger)
        await ledger.store.grant(Grant(ACCOUNT, FAY, "Fay", Role.USER, "operator", 1.0))
        try:
            for number, (with_bob, actions) in enumerate(boots):
                if number:
                    await ledger.start()
                await boot(world, actions, with_bob=with_bob, last=number == len(boots) - 1)
        except BaseExceptionGroup as group:  # raised outside, where no task group wraps it
            failure = group
            while isinstance(failure, BaseExceptionGroup):
                failure = failure.exceptions[0]
    if failure is not None:
        raise failure


async def boot(world: World, actions: list, *, with_bob: bool, last: bool) -> None:
    """One boot of the gateway, killed at its end; the last one gets its work done before."""
    allow = (f"{ACCOUNT}:{BOB}",) if with_bob else ()
    world.policy = AccessPolicy(allow=allow, admins=(f"{ACCOUNT}:{ANN}",), pairing=True)
    await world.look()
    async with doors(world.ledger, world.policy, agents=Watched(world), ready=False) as at:
        world.at = at
        await at.intake.ready(ACCOUNT)
        for name, *arguments in actions:
            await ACTS[name](world, *arguments)
        await check(world)  # which holds at any moment; most boots are killed with work in hand
        if last:
            await at.settled()
            await release(world)
            await at.settled()
            await check(world)
        world.ledger.now = at.it.clock.now()


@settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "20")),
    deadline=None,
    phases=[phase for phase in Phase if phase is not Phase.explain],
    suppress_health_check=list(HealthCheck),
)
@given(BOOTS)
@example([(True, [("work", BOB, "")]), (False, [])])
@example([(True, [("work", BOB, GARDEN), ("work", ANN, GARDEN)]), (False, [("release",)])])
@example([(True, [("cut", FAY, "", False), ("approve", Role.USER)])])
@example([(True, [("write", BOB, GARDEN, "hold"), ("cut", FAY, GARDEN, True)])])
@example([(True, [("write", EVE, "", ""), ("press", BOB, "", "pair:y:{code}", 1), ("write", EVE, "", "")])])
def test_law_07_who_is_not_let_in_reaches_nobody(boots):
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder), boots))
