"""For each key that counts at once: what people notice of it when it changes under a running gateway."""

import asyncio
import json
import os
import sys
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gateway import log
from gateway.engine.commands import ADMINS_ONLY, RESTARTING
from gateway.engine.outbox import HELD
from gateway.model.address import ChatKind
from gateway.model.agent import Ended, FileChunk, TextChunk, ToolUpdate
from gateway.model.attachment import Attachment
from gateway.model.delivery import DeliveryKind, Unknown
from gateway.model.operation import Intent
from gateway.model.turn import StepStatus
from tests.harness.settings import Settings
from tests.harness.waiting import within
from tests.helpers.clock import until
from tests.helpers.fakes import Answer
from tests.helpers.ledgers import ACCOUNT, Ledger, opened, tool
from tests.helpers.living import ANN, BOB, EVE, Living, life

DAY = 86400.0
DIGS = ToolUpdate("call-1", "dig", "execute", StepStatus.RUNNING)
PHOTO = Attachment("ref-1", "photo.png", "image/png", 3)

Seen = Callable[[Living], Awaitable[None]]
Past = Callable[[Ledger], Awaitable[None]]


async def _nothing(_ledger: Ledger) -> None:
    """A gateway that was never started before."""


@dataclass(frozen=True)
class Effect:
    """Starts with the settings `before` on what the `past` left; `seen` changes them and looks."""

    seen: Seen
    before: Settings = field(default_factory=dict)
    past: Past = _nothing

    @asynccontextmanager
    async def scene(self, folder: Path) -> AsyncGenerator[Living]:
        async with opened("sqlite", folder) as ledger:
            await self.past(ledger)
            async with life(ledger, **self.before) as it:
                yield it


EFFECTS: dict[str, Effect] = {}


def shows(key: str, past: Past = _nothing, **before: object) -> Callable[[Seen], Seen]:
    """The function shows what a change of this key does, after a start with these settings."""

    def keep(seen: Seen) -> Seen:
        EFFECTS[key] = Effect(seen, before, past)
        return seen

    return keep


# Who is let in.


@shows("access.default")
async def _(it: Living) -> None:
    assert await it.ask(EVE, "one") == []
    await it.change(access={"default": "allow"})
    assert await it.ask(EVE, "two") == ["two"]
    await it.change(access={"default": "deny"})
    assert await it.ask(EVE, "three") == ["two"]


@shows("access.allow")
async def _(it: Living) -> None:
    assert await it.ask(EVE, "one") == []
    assert await it.change(access={"allow": [f"{ACCOUNT}:{EVE}"]}) == "access.allow: changed, counts now"
    assert await it.ask(EVE, "two") == ["two"]
    assert await it.ask(BOB, "three") == ["two"]


@shows("access.admins")
async def _(it: Living) -> None:
    await it.ask(BOB, "", command="restart")
    await until(lambda: it.chat.texts(BOB) == [ADMINS_ONLY])
    await it.change(access={"admins": [f"{ACCOUNT}:{BOB}"]})
    await it.hear(BOB, "", command="restart")
    await until(lambda: it.chat.texts(BOB)[-1] == RESTARTING)


@shows("access.groups.respond")
async def _(it: Living) -> None:
    group = {"chat": "-5", "chat_kind": ChatKind.GROUP, "to_bot": False}
    assert await it.ask(BOB, "one", **group) == []
    await it.change(access={"groups": {"respond": "always"}})
    assert await it.ask(BOB, "two", **group) == [f"P{BOB}: two"]


# Conversations.


@shows("sessions.busy")
async def _(it: Living) -> None:
    go = it.agents.hold()
    await it.hear(ANN, "one")
    await until(lambda: it.agents.running)
    await it.hear(ANN, "two")
    await it.quiet()
    assert it.agents.cancelled == []
    await it.change(sessions={"busy": "interrupt"})
    await it.hear(ANN, "three")
    await until(lambda: it.agents.cancelled)
    go.set()
    await it.idle()
    go = it.agents.hold()
    await it.change(sessions={"busy": "collect"})
    await it.hear(ANN, "four")
    await until(lambda: it.agents.running)
    await it.hear(ANN, "five")
    await it.hear(ANN, "six")
    go.set()
    await it.idle()
    assert it.agents.texts()[-1] == "five\n\nsix"


@shows("sessions.max_queued")
async def _(it: Living) -> None:
    go = it.agents.hold()
    await it.hear(ANN, "one")
    await until(lambda: it.agents.running)
    await it.change(sessions={"max_queued": 1})
    await it.hear(ANN, "two")
    await it.hear(ANN, "three")
    go.set()
    await it.idle()
    assert it.agents.texts() == ["one", "two"]


@shows("sessions.idle_reset")
async def _(it: Living) -> None:
    await it.change(sessions={"idle_reset": "1h"})
    await it.ask(ANN, "one")
    it.clock.advance(2 * 3600)
    await it.gateway.timers.sweep()
    await it.ask(ANN, "two")
    assert [session for session, _ in it.agents.prompts] == [1, 2]


@shows("sessions.retention")
async def _(it: Living) -> None:
    await it.ask(ANN, "one")
    it.clock.advance(8 * DAY)
    await it.gateway.timers.forget_old()
    assert await it.ledger.store.session(1) is not None
    await it.change(sessions={"retention": "7d"})
    await it.gateway.timers.forget_old()
    assert await it.ledger.store.session(1) is None


# Going on after a restart.


async def _cut(ledger: Ledger) -> None:
    """Somebody's request was cut short by a crash, in the middle of a step."""
    said = await ledger.say("dig")
    start = await ledger.begin(said.session_id)
    await ledger.store.record_steps(start.turn_id, [tool(0, "spade")])
    await ledger.start()
    ledger.tick()


async def _two_cut(ledger: Ledger) -> None:
    for chat in (ANN, "1004"):
        await ledger.begin((await ledger.say("dig", chat)).session_id)
    await ledger.start()


async def _cut_twice(ledger: Ledger) -> None:
    await _cut(ledger)
    assert await ledger.store.schedule_resumes([1], ledger.tick()) == (1,)
    await ledger.begin(1)
    await ledger.start()


async def _crashes(ledger: Ledger) -> None:
    for _ in range(4):
        await ledger.start()
    await _cut(ledger)


async def _resumes(it: Living, **resume: object) -> None:
    """Nothing goes on until the config is changed."""
    await it.quiet()
    assert it.agents.prompts == []
    await it.change(resume=resume)
    await within(until(lambda: it.agents.prompts), "a resume")


EVERYBODY = {"default": "allow"}


@shows("resume.enabled", _cut, resume={"enabled": False}, access=EVERYBODY)
async def _(it: Living) -> None:
    await _resumes(it, enabled=True)


@shows("resume.reasons", _cut, resume={"reasons": ["drain_timeout"]}, access=EVERYBODY)
async def _(it: Living) -> None:
    await _resumes(it, reasons=["restart_interrupted"])


@shows("resume.freshness", _cut, resume={"freshness": "1ms"}, access=EVERYBODY)
async def _(it: Living) -> None:
    await _resumes(it, freshness="5m")
    assert it.clock.now() - it.gateway.pasts[ACCOUNT].horizon() == 300.0


@shows("resume.instruction", _cut, resume={"instruction": "off"}, access=EVERYBODY)
async def _(it: Living) -> None:
    await _resumes(it, instruction="continue")


@shows("resume.ask_for", _cut, resume={"ask_for": ["execute"]}, access=EVERYBODY)
async def _(it: Living) -> None:
    await until(lambda: it.chat.delivered)
    await _resumes(it, ask_for=[])


@shows("resume.concurrency", _two_cut, resume={"concurrency": 1, "enabled": False}, access=EVERYBODY)
async def _(it: Living) -> None:
    it.agents.hold()
    it.agents.hold()
    await _resumes(it, enabled=True)
    await it.quiet()
    assert len(it.agents.prompts) == 1
    await it.change(resume={"concurrency": 2})
    await within(until(lambda: len(it.agents.prompts) == 2), "the second resume")


@shows("resume.max_attempts", _cut_twice, resume={"max_attempts": 1, "instruction": "off"}, access=EVERYBODY)
async def _(it: Living) -> None:
    await until(lambda: it.chat.delivered)  # it was given up, and its chat was told
    await it.change(resume={"max_attempts": 3, "instruction": "continue"})
    assert await it.gateway.operations.resume(1)
    await it.idle()
    assert "Finish that request now" in it.agents.prompts[0][1].note


@shows("resume.breaker.boots", _crashes, resume={"breaker": {"boots": 3}}, access=EVERYBODY)
async def _(it: Living) -> None:
    assert it.gateway.operations.status().breaker_open
    await _resumes(it, breaker={"boots": 20})
    assert not it.gateway.operations.status().breaker_open


@shows("resume.breaker.window", _crashes, resume={"breaker": {"boots": 3, "window": "5m"}}, access=EVERYBODY)
async def _(it: Living) -> None:
    assert it.gateway.operations.status().breaker_open
    await _resumes(it, breaker={"window": "1ms"})


# How much, and how long.


@shows("shutdown.drain_timeout")
async def _(it: Living) -> None:
    it.agents.hold()
    await it.hear(ANN, "one")
    await until(lambda: it.agents.running)
    await it.change(shutdown={"drain_timeout": "77s"})
    draining = asyncio.ensure_future(it.gateway.drain.run())
    it.gateway.operations.stop(Intent.STOP, None)
    await until(lambda: it.gateway.drain.deadline is not None)
    assert it.gateway.drain.deadline == 77.0
    draining.cancel()


@shows("limits.concurrent_turns", limits={"concurrent_turns": 1})
async def _(it: Living) -> None:
    gates = [it.agents.hold() for _ in range(4)]
    for who in (ANN, BOB):
        await it.hear(who, "one")
    await it.quiet()
    assert len(it.agents.running) == 1
    await it.change(limits={"concurrent_turns": 2})
    await until(lambda: len(it.agents.running) == 2)
    await it.change(limits={"concurrent_turns": 1})
    assert len(it.agents.running) == 2, "fewer slots cut no turn"
    await it.hear(ANN, "two")
    await it.hear(BOB, "two")
    gates[0].set()
    await it.quiet()
    assert len(it.agents.running) == 1, "and let nobody in before enough have left"
    for gate in gates:
        gate.set()
    await it.idle()
    assert len(it.agents.prompts) == 4


@shows("limits.messages_per_user")
async def _(it: Living) -> None:
    await it.change(limits={"messages_per_user": "1/1h"})
    await it.ask(ANN, "one")
    assert await it.ask(ANN, "two") == ["one"]
    await it.change(limits={"messages_per_user": "2/1h"})
    assert await it.ask(ANN, "three") == ["one", "three"]


@shows("limits.messages_per_account")
async def _(it: Living) -> None:
    await it.change(limits={"messages_per_account": "1/1h"})
    await it.ask(ANN, "one")
    assert await it.ask(BOB, "two") == ["one"]


# Answers.


async def _long_answer(it: Living) -> None:
    """An answer that takes so long that it would grow."""
    go = it.agents.hold(updates=(TextChunk("growing"), DIGS))
    await it.hear(ANN, "one")
    await until(lambda: it.agents.running)
    for _ in range(12):
        await it.pass_time(0.5)
    go.set()
    await it.idle()


@shows("delivery.stream")
async def _(it: Living) -> None:
    await _long_answer(it)
    assert DeliveryKind.STREAM not in {one.kind for one in it.chat.delivered}
    await it.change(delivery={"stream": "auto"})
    await _long_answer(it)
    assert DeliveryKind.STREAM in {one.kind for one in it.chat.delivered}
    assert it.chat.drafted == []
    it.chat.has_drafts = True
    await it.change(delivery={"stream": "draft"})
    await _long_answer(it)
    assert it.chat.drafted != []


@shows("delivery.progress", delivery={"stream": "auto", "progress": "off"})
async def _(it: Living) -> None:
    await _long_answer(it)
    assert not any("dig" in told for told in it.chat.progress)
    await it.change(delivery={"progress": "full"})
    await _long_answer(it)
    assert any("dig" in told for told in it.chat.progress)


@shows("delivery.max_messages")
async def _(it: Living) -> None:
    long = "word " * 2000
    it.agents.answers.extend(Answer((TextChunk(long),)) for _ in range(2))
    await it.ask(ANN, "one")
    assert {one.kind for one in it.chat.delivered} == {DeliveryKind.REPLY}
    await it.change(delivery={"max_messages": 1})
    await it.ask(ANN, "two")
    assert it.chat.delivered[-1].kind is DeliveryKind.FILE


@shows("delivery.receipts")
async def _(it: Living) -> None:
    await it.ask(ANN, "one", message_ref="5")
    assert DeliveryKind.RECEIPT not in {one.kind for one in it.chat.delivered}
    await it.change(delivery={"receipts": "reactions"})
    await it.ask(ANN, "two", message_ref="6")
    assert [one.reply_to for one in it.chat.delivered if one.kind is DeliveryKind.RECEIPT] == ["6", "6"]


@shows("delivery.on_unknown")
async def _(it: Living) -> None:
    await it.change(delivery={"on_unknown": "hold"})
    it.chat.script[ANN] = deque([Unknown("the connection broke")])
    await it.hear(ANN, "one")
    await it.quiet()
    await it.pass_time(60)
    await it.idle()
    assert it.chat.texts(ANN) == [HELD]


# Files.


@shows("media.receive")
async def _(it: Living) -> None:
    it.chat.remote["ref-1"] = deque([b"png"])
    await it.ask(ANN, "one", attachments=(PHOTO,))
    await it.change(media={"receive": False})
    await it.ask(ANN, "two", attachments=(PHOTO,))
    assert [len(prompt.files) for _, prompt in it.agents.prompts] == [1, 0]


def _hands_out(it: Living) -> None:
    it.agents.answers.append(Answer((TextChunk("here"), FileChunk("a.txt", "text/plain", b"x" * 100))))


@shows("media.send")
async def _(it: Living) -> None:
    await it.change(media={"send": False})
    _hands_out(it)
    await it.ask(ANN, "one")
    assert "this gateway sends no files" in it.chat.texts(ANN)[-1]
    await it.change(media={"send": True})
    _hands_out(it)
    await it.ask(ANN, "two")
    assert it.chat.delivered[-1].kind is DeliveryKind.FILE


@shows("media.max_size")
async def _(it: Living) -> None:
    await it.change(media={"max_size": 99})
    _hands_out(it)
    await it.ask(ANN, "one")
    assert "too large" in it.chat.texts(ANN)[-1]


@shows("media.retention")
async def _(it: Living) -> None:
    _hands_out(it)
    await it.ask(ANN, "one")
    kept = [path for path in (it.ledger.folder / "media").rglob("*") if path.is_file()]
    assert kept
    for path in kept:
        os.utime(path, (0, 0))
    it.clock.advance(40 * DAY)
    await it.gateway.timers.forget_files()
    assert all(path.exists() for path in kept)
    await it.change(media={"retention": "1h"})
    await it.gateway.timers.forget_files()
    assert not any(path.exists() for path in kept)


# The log.


def _said(it: Living, level: str) -> str:
    """What a line comes out as."""
    out = it.ledger.folder / "err"
    with out.open("w") as file:
        before, sys.stderr = sys.stderr, file
        try:
            getattr(log.get(), level)("test.line")
        finally:
            sys.stderr = before
    return out.read_text()


@shows("log.level")
async def _(it: Living) -> None:
    await it.change(log={"level": "info", "format": "json"})
    assert _said(it, "debug") == ""
    await it.change(log={"level": "debug"})
    assert json.loads(_said(it, "debug"))["action"] == "test.line"


@shows("log.format")
async def _(it: Living) -> None:
    await it.change(log={"level": "info", "format": "json"})
    assert json.loads(_said(it, "info"))["action"] == "test.line"
    await it.change(log={"format": "console"})
    assert "test.line" in _said(it, "info")
    assert not _said(it, "info").startswith("{")


# Agents.


@shows("default_agent", agents={"other": {"command": ["never-started"]}})
async def _(it: Living) -> None:
    await it.ask(ANN, "one")
    await it.change(default_agent="other")
    await it.ask(ANN, "two")
    assert [request.agent for request in it.agents.opened] == ["demo", "other"]
    await it.ask(ANN, "", command="agent")
    await until(lambda: "other (answers here)" in it.chat.texts(ANN)[-1])


@shows("agents.*")
async def _(it: Living) -> None:
    await it.change(agents={"other": {"command": ["never-started"], "permissions": "allow"}})
    await it.hear(ANN, "", command="agent")
    await until(lambda: it.chat.texts(ANN))
    assert "- other" in it.chat.texts(ANN)[-1]
    assert set(it.pool._specs) == {"demo", "other"}
    del it.values["agents"]["other"]
    assert await it.change() == "agents.other: removed, counts now"
    assert set(it.pool._specs) == {"demo"}


@shows("agents.*.permission_timeout")
async def _(it: Living) -> None:
    await it.change(agents={"demo": {"permission_timeout": "5s"}})
    await _asks(it)
    await it.pass_time(6)
    await until(lambda: it.agents.permitted)
    assert it.agents.permitted == ["no"]


@shows("agents.*.remember_permissions", agents={"demo": {"remember_permissions": False}})
async def _(it: Living) -> None:
    await _asks(it)
    await it.hear(ANN, "", button=it.chat.delivered[-1].buttons[0].data)
    await until(lambda: it.agents.permitted == ["ever"])
    await _asks(it)
    await it.hear(ANN, "", button=it.chat.delivered[-1].buttons[1].data)
    await until(lambda: it.agents.permitted == ["ever", "no"])
    await it.idle()
    await it.change(agents={"demo": {"remember_permissions": True}})
    it.agents.answers.append(_asking())
    await it.ask(ANN, "again")
    assert it.agents.permitted == ["ever", "no", "ever"]


def _asking() -> Answer:
    from tests.unit.test_approvals import EVER, NO, request  # noqa: PLC0415

    return Answer((), Ended("end_turn"), asks=(request(EVER, NO),))


async def _asks(it: Living) -> None:
    """An agent asks for a permission, and its question is in the chat."""
    it.agents.answers.append(_asking())
    before = len(it.chat.delivered)
    await it.hear(ANN, "go")
    await until(lambda: any(one.buttons for one in it.chat.delivered[before:]))
    await it.gateway.outbox.empty()


def _of_the_process(key: str, value: object, there: Callable[[Living], object], then: object) -> None:
    """A key that the pool goes by: what it does with it is tested where its processes are."""

    @shows(f"agents.*.{key}")
    async def _(it: Living) -> None:
        before = it.pool._specs["demo"]
        await it.change(agents={"demo": {key: value}})
        assert there(it) == then
        changed = it.pool._specs["demo"]
        assert changed is not before
        await it.change(limits={"concurrent_turns": 5})
        assert it.pool._specs["demo"] is changed, "an agent that did not change goes on as it is"


for _key, _value, _then in (
    ("command", ["another"], ("another",)),
    ("cwd", "/tmp", "/tmp"),
    ("env", {"A": "b"}, {"A": "b"}),
    ("resume", "bootstrap", "bootstrap"),
    ("permissions", "deny", "deny"),
    ("mode", "plan", "plan"),
    ("options", {"model": "large"}, {"model": "large"}),
    ("turn_idle_timeout", "7s", 7.0),
    ("idle_timeout", "7s", 7.0),
    ("start_timeout", "7s", 7.0),
    ("cancel_timeout", "7s", 7.0),
    ("drain_timeout", "7s", 7.0),
    ("quiet_time", "7s", 7.0),
    ("retry_waits", ["7s"], (7.0,)),
    ("max_processes", 7, 7),
    ("processes", "shared", "shared"),
    ("preset", "gemini", "gemini"),
):
    _of_the_process(_key, _value, lambda it, key=_key: getattr(it.pool._specs["demo"], key), _then)
