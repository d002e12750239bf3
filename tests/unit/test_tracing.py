"""Traces of a house, sent by the real exporter: one for each message, whole also after restarts."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from gateway.model.delivery import DeliveryKind, RetryAfter, Unknown
from gateway.model.happening import DeliverySettled, Sending, TurnBegan, TurnEnded
from gateway.model.operation import Intent, StopRequest
from gateway.model.turn import TurnState
from gateway.store.browsing import open_browsing
from gateway.store.sqlite import LEDGER_FILE
from gateway.tracing.export import Collector
from gateway.tracing.spans import Ids, Place, Span
from gateway.tracing.tracer import Tracer
from gateway.tracing.ways import QUIET, REMEMBERED, STALE, Ways
from gateway.witness import Ear
from tests.helpers.clock import ManualClock
from tests.helpers.fakes import Answer, ScriptedAgents, ScriptedChat
from tests.helpers.house import house
from tests.helpers.ledgers import ACCOUNT, opened
from tests.helpers.otlp import otlp_collector

KEY = b"k" * 32
SECRET = "what-ann-wrote"


class Boots:
    """Boots of one gateway, each with traces of its own, as processes have them."""

    def __init__(self, ledger, collector):
        self.ledger = ledger
        self.collector = collector
        self.tracers = []

    @asynccontextmanager
    async def boot(self, *, clean=True, ready=True, **more):
        """One boot. One that is not clean is killed, and what it had not sent is lost."""
        ledger = self.ledger
        if self.tracers:
            await ledger.start()
        ear, sending = Ear(), Collector(self.collector.url, "1")
        self.tracers.append(sending)
        async with open_browsing(ledger.folder / LEDGER_FILE) as shelf:
            async with house(ledger, saw=ear, **more) as it:
                tracer = Tracer(KEY, ear.take, shelf, sending.send, it.clock)
                work = asyncio.ensure_future(tracer.run())
                if ready:
                    await it.ready()
                yield it
                if clean:
                    work.cancel()
                    await asyncio.wait([work])
                work.cancel()
            await asyncio.wait([work])
        await sending.close()


@asynccontextmanager
async def traced(folder):
    async with otlp_collector() as collector, opened("sqlite", folder) as ledger:
        yield Boots(ledger, collector), collector


def tree(spans):
    """Names with the names of their parents."""
    names = {span.span: span.name for span in spans}
    return sorted((span.name, names.get(span.parent, span.parent)) for span in spans)


async def test_the_whole_way_of_a_message(tmp_path):
    async with traced(tmp_path) as (boots, seen), boots.boot() as it:
        sent_at = it.clock.now()
        await it.hear(SECRET, event="a")
        await it.idle()
    assert tree(seen.spans) == [
        ("delivery", "message"),
        ("first words", "turn"),
        ("message", ""),
        ("opening", "turn"),
        ("queue wait", "message"),
        ("turn", "message"),
    ]
    assert len({span.trace for span in seen.spans}) == 1
    assert len({span.span for span in seen.spans}) == len(seen.spans)
    root, turn, delivery = seen.one("message"), seen.one("turn"), seen.one("delivery")
    assert (root["account"], root["message"], root["sent_at"], root["found"]) == (ACCOUNT, 1, sent_at, False)
    assert root["turn.state"] == "completed"
    assert (turn["agent"], turn["session"], turn["turn"], turn["resume.mode"]) == ("demo", 1, 1, "fresh")
    assert (turn["turn.state"], turn.error, turn.links) == ("completed", "", ())
    told = {"kind": "reply", "outcome": "sent", "attempt": 1}
    assert {key: delivery["delivery." + key] for key in told} == told
    assert all(root.start <= span.start <= span.end <= root.end for span in seen.spans)
    assert all(span.service == "carryon" for span in seen.spans)
    everything = b"".join(seen.raw)
    for word in (SECRET, "1001", "Ann", "agent-1", "scripted", "echo"):
        assert word.encode() not in everything, word


async def test_a_crash_and_its_continuation_are_one_trace(tmp_path):
    agents = ScriptedAgents()
    agents.answers.append(Answer(held=asyncio.Event()))
    async with traced(tmp_path) as (boots, seen):
        async with boots.boot(clean=False, agents=agents) as it:
            await it.hear("work")
            await it.at_work()
        assert seen.spans == [], "a dead process has told nothing"
        async with boots.boot() as it:
            await it.idle()
    first, second = seen.named("turn")
    assert first.error == "restart_interrupted"
    assert (first["turn.state"], first["turn"]) == ("interrupted", 1)
    assert second.links == ((first.trace, first.span),)
    assert (second["turn.state"], second["turn"]) == ("completed", 2)
    assert (second["resume.mode"], second["resume.reason"]) == ("native", "restart_interrupted")
    root = seen.one("message")
    assert {span.trace for span in seen.spans} == {root.trace}
    assert first.parent == second.parent == root.span
    assert root["turn.state"] == "completed"
    assert root.start <= first.start <= first.end <= second.start <= second.end <= root.end
    wait = seen.one("queue wait")
    assert (wait.start, wait.end) == pytest.approx((root.start, first.start))
    assert len(seen.named("delivery")) == 1


async def test_crash_upon_crash(tmp_path):
    def held():
        agents = ScriptedAgents()
        agents.answers.append(Answer(held=asyncio.Event()))
        return agents

    async with traced(tmp_path) as (boots, seen):
        async with boots.boot(clean=False, agents=held()) as it:
            await it.hear("work")
            await it.at_work()
        async with boots.boot(clean=False, agents=held()) as it:
            await it.at_work()
        async with boots.boot() as it:
            await it.idle()
    first, second, third = seen.named("turn")
    root = seen.one("message")
    assert {span.trace for span in seen.spans} == {root.trace}
    assert [turn["turn.state"] for turn in (first, second, third)] == [
        "interrupted",
        "interrupted",
        "completed",
    ]
    assert (first.links, second.links) == ((), ((root.trace, first.span),))
    assert third.links == ((root.trace, second.span),)
    assert len(seen.named("queue wait")) == 1


async def test_a_stop_and_its_continuation_are_one_trace_and_nothing_is_told_twice(tmp_path):
    agents = ScriptedAgents()
    agents.answers.append(Answer(held=asyncio.Event()))
    async with traced(tmp_path) as (boots, seen):
        async with boots.boot(agents=agents) as it:
            await it.hear("work")
            await it.at_work()
            it.drain.stop(StopRequest(Intent.RESTART, 0.0))
            await it.drain.run()
        assert sorted(span.name for span in seen.spans) == ["opening", "queue wait", "turn"]
        async with boots.boot() as it:
            await it.idle()
    first, second = seen.named("turn")
    assert (first["turn.state"], first.error) == ("interrupted", "drain_timeout")
    assert second.links == ((first.trace, first.span),)
    assert {span.trace for span in seen.spans} == {seen.one("message").trace}
    assert len({span.span for span in seen.spans}) == len(seen.spans)


async def test_a_newer_message_that_goes_on_with_a_crash_is_linked_to_it(tmp_path):
    agents = ScriptedAgents()
    agents.answers.append(Answer(held=asyncio.Event()))
    async with traced(tmp_path) as (boots, seen):
        async with boots.boot(clean=False, agents=agents) as it:
            await it.hear("work")
            await it.at_work()
        async with boots.boot(ready=False) as it:
            await it.hear("are you there?")
            await it.ready()
            await it.idle()
    first, second = seen.named("turn")
    old, new = seen.named("message")
    assert old.trace != new.trace
    assert (first.trace, second.trace) == (old.trace, new.trace)
    assert second.links == ((first.trace, first.span),)
    assert old.links == ((second.trace, second.span),)
    assert (old["turn.state"], old["taken_over_by"]) == ("interrupted", new["message"])
    assert {span.name for span in seen.spans if span.trace == old.trace} == {"message", "queue wait", "turn"}
    assert second["resume.reason"] == "restart_interrupted"


async def test_an_answer_that_a_dead_process_owed_ends_its_trace(tmp_path):
    chat = ScriptedChat()
    chat.gates["1001"] = asyncio.Event()
    async with traced(tmp_path) as (boots, seen):
        async with boots.boot(clean=False, chat=chat) as it:
            await it.hear("work")
            await it.lanes.all_idle()
            await it.quiet()
            it.clock.advance(1.0)
            await seen.until(lambda: seen.named("turn"), "the turn")
        async with boots.boot() as it:
            await it.idle()
    root = seen.one("message")
    assert {span.trace for span in seen.spans} == {root.trace}
    outcomes = [span["delivery.outcome"] for span in seen.named("delivery")]
    assert outcomes == ["repeated", "sent"]
    assert seen.named("delivery")[0].error == "repeated"
    assert len(seen.named("turn")) == 1


async def test_attempts_and_a_root_that_waits_for_the_last(tmp_path):
    chat = ScriptedChat()
    chat.script["1001"] += [RetryAfter(3.0, "slow down"), Unknown("cut")]
    async with traced(tmp_path) as (boots, seen), boots.boot(chat=chat) as it:
        await it.hear("work")
        await it.lanes.all_idle()
        await it.quiet()
        it.clock.advance(QUIET + 1)
        await it.idle()
    deliveries = seen.named("delivery")
    found = [(span["delivery.attempt"], span["delivery.outcome"]) for span in deliveries]
    assert sorted(found) == [(1, "delayed"), (2, "unknown"), (3, "repeated"), (4, "sent")]
    assert seen.one("message").end == max(span.end for span in deliveries)
    assert {span["delivery.outcome"]: span.error for span in deliveries}["sent"] == ""


async def test_what_is_left_of_a_conversation_that_was_forgotten(tmp_path):
    """The ledger says nothing about what a turn goes on with: the trace begins with it."""
    sent = []
    ways = Ways(Ids(KEY), sent.append)
    began = TurnBegan(7, 1, ACCOUNT, 9, 1.0, 2.0, "restart_interrupted")
    ways.began(began, None)
    ways.close()
    assert sent == []
    assert ways.knows(7)
    assert not ways.knows(8)


class Told:
    """Ways with what they sent, and short words for what happens."""

    def __init__(self):
        self.sent = []
        self.ways = Ways(Ids(KEY), self.sent.append)

    def began(self, turn):
        self.ways.began(TurnBegan(turn, turn, ACCOUNT, turn, 1.0, 2.0, None), None)

    def ended(self, turn, state=TurnState.COMPLETED, at=3.0):
        self.ways.ended(TurnEnded(turn, 1, ACCOUNT, "demo", state, None, 2.0, at, False))

    def settled(self, turn, outcome, at, delivery=1, kind=DeliveryKind.REPLY):
        self.ways.delivered(DeliverySettled(delivery, ACCOUNT, kind, outcome, turn, 3.0, at), None)

    @property
    def roots(self):
        return [(one.attributes["carryon.message"], one.end) for one in self.sent if one.name == "message"]


def test_a_root_is_sent_when_it_has_been_quiet():
    it = Told()
    for turn, state in ((1, TurnState.COMPLETED), (2, TurnState.CANCELLED), (3, TurnState.COMPLETED)):
        it.began(turn)
        it.ended(turn, state)
    it.settled(1, Sending.SENT, 4.0)
    it.ways.settle(4.0 + QUIET - 0.1)
    assert it.roots == [(2, 3.0)], "it was stopped, so nothing has to follow; a moment later comes the other"
    it.ways.settle(4.0 + QUIET)
    assert it.roots == [(2, 3.0), (1, 4.0)]
    it.settled(1, Sending.SENT, 20.0, delivery=2)
    assert it.sent[-1].name == "delivery"
    it.settled(3, Sending.DELAYED, 5.0)
    it.ways.settle(100.0)
    it.ways.close()
    assert len(it.roots) == 2, "its answer is still to come, here or in the next process"
    it.ways.settle(5.0 + STALE)
    assert it.roots[-1] == (3, 5.0)


def test_a_root_waits_for_every_part_of_an_answer():
    it = Told()
    it.began(1)
    it.ended(1)
    it.settled(1, Sending.SENT, 4.0)
    it.settled(1, Sending.DELAYED, 4.5, delivery=2)
    it.ways.settle(100.0)
    assert it.roots == []
    it.settled(1, Sending.SENT, 101.0, delivery=2)
    it.ways.settle(101.0 + QUIET)
    assert it.roots == [(1, 101.0)]


def test_a_turn_that_is_to_be_gone_on_with_ends_no_trace():
    it = Told()
    it.began(1)
    it.ended(1, TurnState.INTERRUPTED)
    it.ways.settle(3.0 + QUIET)
    it.ways.settle(3.0 + STALE)
    it.ways.close()
    assert it.roots == []
    assert not it.ways._turns


def test_nothing_of_a_turn_is_told_before_its_end():
    """Else a crash would leave parts behind that the next process cannot know of."""
    it = Told()
    it.began(1)
    it.settled(1, Sending.SENT, 2.5, kind=DeliveryKind.STREAM)
    assert it.sent == []
    it.ended(1)
    assert sorted(one.name for one in it.sent) == ["delivery", "first words", "queue wait", "turn"]


def test_what_is_remembered_is_bounded():
    it = Told()
    for turn in range(REMEMBERED + 100):
        it.began(turn)
    assert len(it.ways._turns) == REMEMBERED


def test_ids_are_the_same_in_every_process_and_in_no_other_ledger():
    root = Ids(KEY).root(1)
    assert root == Ids(KEY).root(1)
    assert root.trace.bit_length() <= 128
    assert root.span.bit_length() <= 64
    others = {Ids(KEY).root(2), Ids(b"other" * 6).root(1), Ids(KEY).within(root, "turn", 1)}
    assert len({root, *others}) == 4
    assert Ids(KEY).within(root, "turn", 1).trace == root.trace


def span(number):
    return Span("x", Place(5, number + 1), 1.0, 2.0)


async def test_a_collector_that_is_down_costs_spans_and_one_line(monkeypatch):
    lines = []
    monkeypatch.setattr("gateway.tracing.export._log.warning", lambda action, **_: lines.append(action))
    async with otlp_collector() as collector:
        collector.broken = True
        sending = Collector(collector.url, "1")
        for number in range(2000):
            sending.send(span(number))
        await collector.until(lambda: collector.requests >= 3, "three batches")
        collector.broken = False
        await sending.close()
    assert sending.lost + len(collector.spans) == 2000
    assert sending.lost > 0
    assert lines.count("trace.unreachable") == 1
    assert lines[-1] == "trace.lost"


async def test_there_is_an_end_to_what_waits(monkeypatch):
    monkeypatch.setattr("gateway.tracing.export.MOST_WAITING", 300)
    async with otlp_collector() as collector:
        collector.held = asyncio.Event()
        sending = Collector(collector.url, "1")
        for number in range(700):
            sending.send(span(number))
        assert sending.lost == 400
        collector.held.set()
        await sending.close()
    assert len(collector.spans) == 300


async def test_a_collector_that_does_not_answer_holds_up_no_stop():
    async with otlp_collector() as collector:
        collector.held = asyncio.Event()
        sending, clock = Collector(collector.url, "1"), ManualClock()
        sending.send(span(1))
        closing = asyncio.ensure_future(sending.close())
        await collector.until(lambda: collector.requests, "a request")
        clock.advance(60.0)  # of the loop's own time, which the wait is bounded by
        await closing
        assert sending.lost == 1
        assert sending._sending.taken == 0, "it was not waited until the exporter had given up"
        collector.held.set()


async def test_a_slow_ledger_holds_up_no_stop(tmp_path):
    asked, clock = asyncio.Event(), ManualClock()

    class Stuck:
        async def conversation(self, *_):
            asked.set()
            await asyncio.Event().wait()

    heard = [TurnBegan(7, 1, ACCOUNT, 9, 1.0, 2.0, "restart_interrupted")] * 2
    tracer = Tracer(KEY, lambda: heard.pop() if heard else None, Stuck(), lambda _: None, clock)
    work = asyncio.ensure_future(tracer.run())
    await asked.wait()
    asked.clear()
    work.cancel()
    await asked.wait()
    clock.advance(60.0)
    await asyncio.wait([work])
    assert work.cancelled()


async def test_an_ear_keeps_what_comes_before_anybody_listens():
    ear, told = Ear(3), []
    one = TurnBegan(1, 1, ACCOUNT, 1, 1.0, 2.0, None)
    others = [replace(one, turn_id=number) for number in range(2, 6)]
    for other in others:
        ear(other)
    assert ear.lost == 1
    ear.pass_on(told.append)
    ear(one)
    assert told == [*others[:3], one]
    deaf = Ear()
    deaf.stop()
    deaf(one)
    assert (deaf.take(), deaf.lost) == (None, 0)
    ear.stop()
    ear(one)
    assert len(told) == 4, "nor is anybody told any more who listened"
