"""What /metrics says: its names, what is counted, and what happens when the ledger cannot be read."""

import asyncio
import math
import sqlite3
from dataclasses import replace
from pathlib import Path

from prometheus_client import REGISTRY, generate_latest

from gateway.console import metrics as defined
from gateway.console.census import MOST_AGENTS, OTHER, UNANSWERED, Census
from gateway.console.gauges import READ_SECONDS, STATES, Gauges, routes
from gateway.console.metrics import METRICS, NAMES, PROCESS, Kind, Meters, series
from gateway.engine.accounts import Accounts
from gateway.engine.operations import OperationParts, RunningGateway
from gateway.model.delivery import DeliveryKind, Rejected, Unknown
from gateway.model.happening import (
    Committed,
    DeliverySettled,
    Drained,
    Received,
    Reception,
    Sending,
    SessionOpened,
    Started,
    TurnBegan,
    TurnEnded,
)
from gateway.model.operation import ConfigStatus, Intent
from gateway.model.overview import BootEnd
from gateway.model.session import Reason, ResumeMode
from gateway.model.turn import TurnState
from gateway.rules.access import AccessPolicy
from gateway.store.browsing import Browsing
from gateway.store.sqlite import LEDGER_FILE, open_sqlite
from tests.helpers.doors import fresh_doors
from tests.helpers.fakes import Answer, ScriptedAgents, ScriptedChat
from tests.helpers.house import access_of, house
from tests.helpers.ledgers import ACCOUNT, opened
from tests.helpers.scrape import Scrape
from tests.helpers.watched import TOKEN, watched

ON_LINUX = Path("/proc").exists()


class Console:
    """Counters and gauges of a house."""

    def __init__(self, agents=("demo",)):
        self.meters = Meters("1.2.3")
        self.census = Census(self.meters, (ACCOUNT,), agents)

    async def scrape(self, operations, store, clock):
        read = Browsing(store._reading).overview
        return Scrape((await Gauges(self.meters, operations, read, clock).expose()).decode())

    def counted(self):
        return Scrape(generate_latest(self.meters.registry).decode())


async def test_the_names_are_those_that_were_promised(tmp_path):
    console = Console()
    async with fresh_doors(tmp_path) as it:
        found = await console.scrape(it.operations, it.it.ledger.store, it.it.clock)
    assert found.names - PROCESS == series() - PROCESS
    for name, metric in METRICS.items():
        family = found.families[name.removesuffix("_total")]
        assert family.documentation == metric.help
        # Plain text has no infos: Prometheus sees a gauge whose labels tell.
        assert family.type == ("gauge" if metric.kind is Kind.INFO else metric.kind.value)
        if metric.kind is not Kind.HISTOGRAM:
            for labels in found.labels(name):
                assert set(labels) == set(NAMES[name]), name
    own = {name for name in found.names if not name.startswith("carryon_")}
    assert own == (PROCESS if ON_LINUX else set())
    assert found("carryon_build_info", version="1.2.3") == 1


def test_names_follow_the_rules_of_prometheus():
    for name, metric in METRICS.items():
        assert name.startswith("carryon_")
        assert name.endswith("_total") == (metric.kind is Kind.COUNTER), name
        assert name.endswith("_seconds") == (
            metric.kind is Kind.HISTOGRAM or "oldest" in name or "_timestamp_" in name
        )
        assert list(metric.buckets) == sorted(set(metric.buckets))
        assert bool(metric.buckets) == (metric.kind is Kind.HISTOGRAM)
        assert metric.help.endswith(".")


def test_the_registry_is_ones_own():
    before = set(REGISTRY._names_to_collectors)
    Meters("1")
    Meters("1")
    assert set(REGISTRY._names_to_collectors) == before


async def test_a_conversation_is_counted(tmp_path):
    console, agents = Console(), ScriptedAgents()
    agents.answers.append(Answer(held=asyncio.Event()))
    held = agents.answers[0].held
    async with opened("sqlite", tmp_path) as ledger, house(ledger, agents=agents, saw=console.census) as it:
        await it.ready()
        await it.hear("work", "1", event="a")
        await it.at_work()
        await it.hear("more", "1", event="b")
        await it.hear("more", "1", event="b")
        found = await console.scrape(Running(it), ledger.store, it.clock)
        assert found("carryon_turns_running") == 1
        assert found("carryon_lanes") == 1
        assert found("carryon_messages_waiting") == 1
        assert found("carryon_oldest_message_waiting_seconds") == 0
        it.clock.advance(7)
        found = await console.scrape(Running(it), ledger.store, it.clock)
        assert found("carryon_oldest_message_waiting_seconds") == 7
        held.set()
        await it.idle()
        found = await console.scrape(Running(it), ledger.store, it.clock)
    came = {"account": ACCOUNT}
    assert found("carryon_messages_received_total", outcome="accepted", **came) == 2
    assert found("carryon_messages_received_total", outcome="duplicate", **came) == 1
    assert found("carryon_turns_total", agent="demo", state="completed", resumed="false") == 2
    assert found.total("carryon_turns_total") == 2
    assert found("carryon_sessions_opened_total", mode="fresh") == 1
    assert found("carryon_sessions_opened_total", mode="live") == 1
    sent = found("carryon_deliveries_settled_total", account=ACCOUNT, kind="reply", outcome="sent")
    assert sent == found.total("carryon_deliveries_settled_total") == 2
    for name in ("carryon_first_reply_seconds", "carryon_delivery_duration_seconds"):
        assert found(f"{name}_count", **came) == 2, name
    assert found("carryon_first_reply_seconds_sum", **came) == 14
    assert found("carryon_queue_wait_seconds_count") == 2
    assert found("carryon_queue_wait_seconds_sum") == 7
    assert found("carryon_turn_duration_seconds_sum", agent="demo") == 7
    assert found("carryon_messages_waiting") == found("carryon_lanes") == 0


class Running:
    """The operations of a house, as far as its gauges go."""

    def __init__(self, it):
        parts = OperationParts(
            it.ledger.store, it.lanes, it.turns, it.outbox, it.streams, it.agents, it.resumer, it.drain,
            Accounts([ACCOUNT]), it.clock, access_of(it, AccessPolicy(open_to_all=True)),
        )  # fmt: skip
        self._real = RunningGateway(parts, it.ledger.boot, 5.0)

    def status(self):
        return self._real.status()


async def test_a_crash_and_what_came_of_it(tmp_path):
    agents = ScriptedAgents()
    agents.answers.append(Answer(held=asyncio.Event()))
    async with opened("sqlite", tmp_path) as ledger:
        async with house(ledger, agents=agents) as it:
            await it.ready()
            await it.hear("work", "1")
            await it.at_work()
        console = Console()
        async with open_sqlite(tmp_path / LEDGER_FILE, console.census) as store:
            opening = await ledger.start(store)
            console.census(Started(opening.boot_id, ledger.now, 0.8, True, opening.interrupted_turns, 3.0))
            async with house(ledger, saw=console.census) as it:
                found = await console.scrape(Running(it), store, it.clock)
                pending = "carryon_sessions_resume_pending"
                assert found(pending, reason="restart_interrupted") == 1
                assert found.total(pending) == 1
                await it.ready()
                await it.idle()
                found = await console.scrape(Running(it), store, it.clock)
    assert found("carryon_resumes_total", mode="native", reason="restart_interrupted") == 1
    assert found.total("carryon_resumes_total") == 1
    assert found("carryon_turns_total", agent="demo", state="completed", resumed="true") == 1
    assert found("carryon_restart_duration_seconds_sum") == 0.8
    assert found("carryon_commit_duration_seconds_count") >= 4
    assert found(pending, reason="restart_interrupted") == 0


async def test_trouble_with_sending_is_seen(tmp_path):
    chat = ScriptedChat()
    chat.script["1"].append(Rejected("blocked"))
    chat.script["2"] += [Unknown("cut"), Unknown("cut")]
    chat.paces["3"] = asyncio.Event()
    console = Console()
    async with opened("sqlite", tmp_path) as ledger, house(ledger, chat=chat, saw=console.census) as it:
        await it.ready()
        for who in "123":
            await it.hear("hello", who)
        await it.lanes.all_idle()
        await it.quiet()
        it.clock.advance(4)
        found = await console.scrape(Running(it), ledger.store, it.clock)
        states = {labels["state"] for labels in found.labels("carryon_deliveries")}
        assert states == set(STATES) == {"pending", "sending", "unknown", "held", "rejected"}
        assert found("carryon_deliveries", state="rejected") == 1
        assert found("carryon_deliveries", state="pending") >= 1
        assert found("carryon_oldest_delivery_seconds") == 4
    settled = {"account": ACCOUNT, "kind": "reply"}
    assert found("carryon_deliveries_settled_total", outcome="rejected", **settled) == 1
    assert found("carryon_deliveries_settled_total", outcome="unknown", **settled) == 1
    assert found("carryon_first_reply_seconds_count", account=ACCOUNT) == 0


async def test_the_gauges_of_the_gateway_itself(tmp_path):
    console = Console()
    async with fresh_doors(tmp_path, ready=False) as it:
        it.operations._parts = replace(it.operations._parts, accounts=it.intake._parts.accounts)
        store, clock = it.it.ledger.store, it.it.clock
        status = it.operations.status()
        began = clock.now()
        clock.advance(100)
        file = ConfigStatus("/etc/carryon.yaml", 1.0)
        found = await console.scrape(it.operations, store, clock)
        assert found("carryon_account_connected", account=ACCOUNT) == 0
        assert found("carryon_boot_started_timestamp_seconds") == began
        await it.intake.ready(ACCOUNT)
        for told, reload_ok, needs_restart in (
            (None, 1, 0),
            (file, 1, 0),
            (replace(file, problems=("line 3",)), 0, 0),
            (replace(file, needs_restart=("accounts", "http.listen")), 1, 1),
        ):
            bad = {"ledger_writable": False, "ledger_damaged": True}
            odd = Fixed(replace(status, config=told, breaker_open=True, **bad))
            found = await console.scrape(odd, store, clock)
            assert found("carryon_config_reload_ok") == reload_ok
            assert found("carryon_config_needs_restart") == needs_restart
            assert found("carryon_breaker_open") == 1
            assert found("carryon_ledger_writable") == 0
            assert found("carryon_ledger_damaged") == 1
        found = await console.scrape(it.operations, store, clock)
        assert found("carryon_account_connected", account=ACCOUNT) == 1
        assert found("carryon_breaker_open") == found("carryon_draining") == 0
        assert found("carryon_ledger_damaged") == 0
        session = (await it.it.ledger.say("x")).session_id
        await store.suspend(session, Reason.MANUAL, (), clock.now())
        stopping = asyncio.ensure_future(it.it.drain.run())
        it.operations.stop(Intent.STOP, 60.0)
        await it.it.quiet()
        found = await console.scrape(it.operations, store, clock)
        assert found("carryon_draining") == 1
        assert found("carryon_sessions_suspended") == 1
        stopping.cancel()


class Fixed:
    def __init__(self, status):
        self._status = status

    def status(self):
        return self._status


async def test_a_ledger_that_cannot_be_read_does_not_hide_the_rest(tmp_path):
    async with fresh_doors(tmp_path) as it:
        clock, lost = it.it.clock, asyncio.Event()

        async def broken():
            raise sqlite3.DatabaseError("disk image is malformed")

        async def stuck():
            lost.set()
            await asyncio.Event().wait()
            raise AssertionError

        console = Console()
        for read in (broken, stuck):
            gauges = Gauges(console.meters, it.operations, read, clock)
            asked = asyncio.ensure_future(gauges.expose())
            if read is stuck:
                await lost.wait()
                clock.advance(READ_SECONDS + 1)
            found = Scrape((await asked).decode())
            assert found.names >= series() - PROCESS
            assert found("carryon_ledger_writable") == 1
            for name in ("carryon_messages_waiting", "carryon_oldest_delivery_seconds"):
                assert math.isnan(found(name))
            assert math.isnan(found("carryon_deliveries", state="held"))
        found = await console.scrape(it.operations, it.it.ledger.store, clock)
        assert found("carryon_messages_waiting") == 0


async def test_what_is_asked_for_over_http(tmp_path):
    console = Console()
    async with fresh_doors(tmp_path) as it:
        gauges = Gauges(
            console.meters, it.operations, Browsing(it.it.ledger.store._reading).overview, it.it.clock
        )
        async with watched(TOKEN, routes=routes(gauges)) as http:
            assert (await http.ask("GET", "/metrics")).status == 401
            known = {"Authorization": f"Bearer {TOKEN}"}
            answers = await asyncio.gather(*(http.ask("GET", "/metrics", headers=known) for _ in range(3)))
    for answer in answers:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert Scrape(answer.text).names >= series() - PROCESS


def began(turn, at=1.0):
    return TurnBegan(turn, 1, ACCOUNT, turn, at, at, None)


def sent(turn, kind=DeliveryKind.REPLY, outcome=Sending.SENT, account=ACCOUNT, at=3.0):
    return DeliverySettled(turn, account, kind, outcome, turn, at - 0.5, at)


def ended(agent, state=TurnState.COMPLETED):
    return TurnEnded(1, 1, ACCOUNT, agent, state, None, 1.0, 2.0, False)


def test_labels_are_bounded():
    console = Console()
    for number in range(3 * MOST_AGENTS):
        console.census(ended(f"agent-{number}"))
        console.census(Received(f"account-{number}", Reception.ACCEPTED, 1.0))
        console.census(sent(number, account=f"account-{number}"))
        opened_ = SessionOpened(1, "demo", ResumeMode.FRESH, "why", 1.0, 0.1, f"reason-{number}")
        console.census(opened_)
    console.census(ended(""))
    found = console.counted()
    agents = {labels["agent"] for labels in found.labels("carryon_turns_total")}
    assert len(agents) == MOST_AGENTS + 1
    assert OTHER in agents
    assert found.total("carryon_turns_total") == 3 * MOST_AGENTS + 1
    for name in ("carryon_messages_received_total", "carryon_deliveries_settled_total"):
        assert {labels["account"] for labels in found.labels(name)} == {ACCOUNT, OTHER}
        assert found.total(name) == 3 * MOST_AGENTS
    assert found("carryon_resumes_total", mode="fresh", reason=OTHER) == 3 * MOST_AGENTS


def test_law_12_every_way_to_continue_is_counted_with_its_reason():
    console = Console()
    for mode in ResumeMode:
        console.census(SessionOpened(1, "demo", mode, "why", 1.0, 0.1, Reason.DRAIN_TIMEOUT.value))
        console.census(SessionOpened(2, "demo", mode, "why", 1.0, 0.1, None))
    found = console.counted()
    for mode in ResumeMode:
        assert found("carryon_sessions_opened_total", mode=mode.value) == 2
        assert found("carryon_resumes_total", mode=mode.value, reason="drain_timeout") == 1
    assert found.total("carryon_resumes_total") == len(ResumeMode), "what resumed nothing is none"


def test_the_first_words_of_an_answer_are_timed_once():
    console = Console()
    console.census(began(1))
    console.census(sent(1, DeliveryKind.RECEIPT, at=1.1))
    console.census(sent(1, DeliveryKind.NOTICE, at=1.2))
    console.census(sent(1, DeliveryKind.STREAM, Sending.DELAYED, at=1.3))
    console.census(sent(1, DeliveryKind.STREAM, at=2.0))
    console.census(sent(1, at=9.0))
    console.census(sent(77))
    found = console.counted()
    assert found("carryon_first_reply_seconds_count", account=ACCOUNT) == 1
    assert found("carryon_first_reply_seconds_sum", account=ACCOUNT) == 1.0
    for number in range(UNANSWERED + 5):
        console.census(began(number))
    assert len(console.census._unanswered) == UNANSWERED


def test_what_was_found_of_the_past_is_counted():
    console = Console()
    seen = [
        Received(ACCOUNT, Reception.ACCEPTED, 1.0, found=True, message_id=1),
        Received(ACCOUNT, Reception.TOO_OLD, 1.0, found=True, message_id=2),
        Received(ACCOUNT, Reception.DUPLICATE, 1.0, found=True, message_id=3),
        Received(ACCOUNT, Reception.LIMITED, 1.0, found=True, message_id=3),
        Received(ACCOUNT, Reception.REFUSED, 1.0),
        Committed(3, 0.002, 0),
    ]
    for one in seen:
        console.census(one)
    census = console.census
    census.count_boot(BootEnd.CRASHED)
    census.count_cut("demo", resumed=True)
    census.count_drain(2.5)
    console.census(Drained(3.0, 1, True))
    assert census.drained == Drained(3.0, 1, True)
    found = console.counted()
    assert found("carryon_messages_found_total", account=ACCOUNT, outcome="answered") == 1
    assert found("carryon_messages_found_total", account=ACCOUNT, outcome="too_old") == 1
    assert found.total("carryon_messages_found_total") == 2
    assert found.total("carryon_messages_received_total") == 4
    assert found("carryon_messages_received_total", account=ACCOUNT, outcome="refused") == 1
    assert {labels["end"] for labels in found.labels("carryon_boots_total")} == {
        "stopped",
        "restarted",
        "crashed",
    }
    assert found("carryon_boots_total", end="crashed") == 1
    assert found("carryon_turns_total", agent="demo", state="interrupted", resumed="true") == 1
    assert found("carryon_drain_duration_seconds_sum") == 2.5, "of the stop before, and not of one under way"


def test_the_constant_is_what_others_check_against():
    assert set(NAMES) == set(METRICS)
    assert defined.NAMES["carryon_turns_total"] == ("agent", "state", "resumed")
    assert "carryon_queue_wait_seconds_bucket" in series()
