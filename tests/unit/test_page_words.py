"""What the operator page says: the one sentence, what happens next, the timeline, and the charts."""

import re
from dataclasses import replace
from types import MappingProxyType

import pytest

from gateway.console.page import drawing
from gateway.console.page.concerns import Level, concerns, headline
from gateway.console.page.now import outlook
from gateway.console.page.rendering import SHOWN, place, preview, prose, render, stamp, tail
from gateway.console.page.speed import measured, quantile
from gateway.console.page.timeline import became, timeline
from gateway.console.page.verbs import VERBS, OddError, checked
from gateway.model.address import Address, Route
from gateway.model.boot import Boot, BootState
from gateway.model.browsing import Owed, Unsent
from gateway.model.delivery import GIVEN_UP, Delivery, DeliveryKind, DeliveryState
from gateway.model.operation import AccountStatus, ConfigStatus, GatewayStatus, Intent, Phase, RunningTurn
from gateway.model.overview import BootEnd, Continuation, Overview, Passage, Pending, Queue, Restart
from gateway.model.recovery import Candidate, Decision, Verdict
from gateway.model.session import Reason, ResumeMode, Session, SessionState
from gateway.model.turn import TurnState

NOW = 10_000.0
WELL = GatewayStatus(
    3, 99, 60.0, Phase.SERVING, None, None, True, False,
    (AccountStatus("a", connected=True), AccountStatus("b", connected=True)),
    (), 0, 0,
)  # fmt: skip
QUIET = Overview((), (), {}, 0, 0, None, {}, None)
HERE = Address("a", "7")
CONFIG = ConfigStatus("/g.yaml", 1.0)
OUT = AccountStatus("b", connected=False, why="invalid token")


def owed(state: DeliveryState, since: float = NOW, error: str | None = None) -> Owed:
    return Owed(Delivery(5, Route("a", "7"), DeliveryKind.REPLY, "hi", state, "k", error=error), since)


def presses(overview, undecided):
    """Where the buttons lead of what is said about answers that wait for a decision."""
    found = concerns(WELL, overview, Unsent(tuple(undecided), ()), NOW)
    (held,) = [one for one in found if one.key == "held"]
    return tuple(press.href for press in held.presses)


def said(status=WELL, overview=QUIET, undecided=(), still=()):
    found = concerns(status, overview, Unsent(tuple(undecided), tuple(still)), NOW)
    head = headline(status, found)
    return head.level, head.text, [one.key for one in found]


@pytest.mark.parametrize(
    ("change", "level", "text", "keys"),
    [
        ({}, Level.FINE, "Serving", []),
        ({"running": (RunningTurn(1, 1, 2.0),)}, Level.FINE, "Serving; 1 turn at work", []),
        ({"ledger_writable": False}, Level.WRONG, "The ledger cannot be written", ["ledger"]),
        (
            {"ledger_writable": False, "phase": Phase.CUTTING, "intent": Intent.STOP, "accounts": (OUT,)},
            Level.WRONG,
            "The ledger cannot be written",
            ["ledger", "accounts", "phase"],
        ),
        (
            {"phase": Phase.WAITING, "intent": Intent.RESTART, "deadline": 75.0, "breaker_open": True},
            Level.LOOK,
            "Restarting: waits for 0 running turns, 1 min 15 s at most",
            ["phase", "breaker"],
        ),
        (
            {"phase": Phase.FLUSHING, "intent": Intent.STOP},
            Level.LOOK,
            "Stopping: sends the last answers",
            ["phase"],
        ),
        ({"accounts": (OUT,)}, Level.WRONG, "The account b is not connected", ["accounts"]),
        (
            {"accounts": (OUT, replace(OUT, name="c"))},
            Level.WRONG,
            "No account is connected",
            ["accounts"],
        ),
        (
            {"accounts": (WELL.accounts[0], OUT)},
            Level.LOOK,
            "Serving, but 1 account of 2 is not connected",
            ["accounts"],
        ),
        (
            {"breaker_open": True},
            Level.LOOK,
            "Serving, but the loop breaker is open: the gateway crashed too often lately",
            ["breaker"],
        ),
        (
            {"config": replace(CONFIG, problems=("a", "b"), needs_restart=("c",))},
            Level.LOOK,
            "Serving, but the config file has 2 problems",
            ["config", "restart"],
        ),
        ({"config": replace(CONFIG, needs_restart=("c",))}, Level.FINE, "Serving", ["restart"]),
    ],
)
def test_the_one_sentence_about_the_process(change, level, text, keys):
    assert said(replace(WELL, **change)) == (level, text, keys)


def test_the_one_sentence_about_the_ledger():
    held = owed(DeliveryState.HELD)
    assert said(undecided=[held])[:2] == (Level.LOOK, "Serving, but 1 answer waits for your decision")
    assert said(undecided=[held, held])[1] == "Serving, but 2 answers wait for your decision"
    many = replace(QUIET, deliveries={"held": 60, "rejected": 900})
    newer = [owed(DeliveryState.REJECTED, error="blocked")] * 50
    assert said(overview=many, undecided=newer)[1] == "Serving, but 60 answers wait for your decision"
    assert presses(many, [*newer, held]) == presses(many, newer) == ("/#undecided",)
    assert presses(QUIET, [held]) == ("/do/retry?delivery=5", "/do/drop?delivery=5")
    refused = owed(DeliveryState.REJECTED, error="blocked")
    assert said(undecided=[refused, refused])[1:] == ("Serving", ["rejected"])
    assert said(undecided=[replace(refused, since=NOW - 90_000)])[2] == [], "old news are none"
    assert said(undecided=[owed(DeliveryState.REJECTED, error=GIVEN_UP)])[2] == []
    assert said(undecided=[owed(DeliveryState.UNKNOWN)])[2] == []
    assert said(still=[owed(DeliveryState.PENDING, NOW - 30)])[2] == []
    late = said(still=[owed(DeliveryState.PENDING, NOW - 300)], undecided=[held])
    assert late[1:] == ("Serving, but 1 answer waits for your decision, and 1 more thing", ["held", "owed"])
    loop = Pending(1, HERE, SessionState.SUSPENDED, "resume_loop", 1.0, 3, "t")
    manual = replace(loop, reason="manual")
    keys = said(overview=replace(QUIET, pending=(loop, manual), suspended=2, pending_by_reason={"x": 2}))[2]
    assert keys == ["loops", "suspended", "interrupted"]
    assert said(overview=replace(QUIET, waiting=2, waiting_since=NOW - 90))[2] == ["waiting"]
    waits = concerns(WELL, replace(QUIET, waiting=2, waiting_since=NOW - 90), Unsent((), ()), NOW)
    assert waits[0].text == "2 messages waiting, the first for 1 min 30 s"
    found = concerns(WELL, None, None, NOW, "database disk image is malformed")
    assert headline(WELL, found).text == "The ledger cannot be read"
    assert found[0].then.startswith("It says: database disk image is malformed. ")


def test_every_button_of_a_concern_leads_somewhere():
    status = replace(
        WELL, ledger_writable=False, phase=Phase.WAITING, intent=Intent.STOP, breaker_open=True,
        config=replace(CONFIG, problems=("a",), needs_restart=("b",)),
    )  # fmt: skip
    held = owed(DeliveryState.HELD)
    for undecided in ((held,), (held, held)):
        for one in concerns(status, QUIET, Unsent(undecided, ()), NOW):
            for press in one.presses:
                verb = re.match(r"/do/(\w+)(?:\?(\w+)=(\d+))?$", press.href)
                assert press.href.startswith(("/#", "/restarts", "/sessions/")) or verb[1] in VERBS
                assert (
                    verb is None or checked(VERBS[verb[1]], {verb[2]: verb[3]} if verb[2] else {}) is not None
                )


MARKED = Pending(1, HERE, SessionState.RESUME_PENDING, "drain_timeout", NOW, 1, "t")
SESSION = Session(1, HERE, 1, SessionState.RESUME_PENDING, 1.0, 1.0)


@pytest.mark.parametrize(
    ("verdict", "more", "words"),
    [
        (Verdict.RESUME, {"scheduled": True}, "It goes on by itself when a place is free."),
        (Verdict.RESUME, {"up": set()}, "It goes on by itself once a is connected."),
        (Verdict.RESUME, {}, "It goes on by itself when a connects next, or now if you press Resume."),
        (Verdict.ANSWER, {}, "It goes on with its next waiting message, when a place is free."),
        (
            Verdict.ASK,
            {},
            "The chat was asked whether to go on, and its answer decides. Resume decides for it.",
        ),
        (Verdict.SKIP, {}, "It waits for the next message there, or for Resume: why."),
        (Verdict.SUSPEND, {}, "It will be suspended at the next start: why."),
        (Verdict.SKIP, {"turn": 9}, "It is being gone on with now, by turn 9."),
    ],
)
def test_what_happens_next(verdict, more, words):
    decision = Decision(Candidate(SESSION, 0, scheduled=False), verdict, "why")
    given = {"scheduled": False, "turn": None, "up": {"a"}} | more
    assert outlook(MARKED, decision, 0, **given) == words


@pytest.mark.parametrize("reason", [Reason.MANUAL, Reason.RESUME_LOOP, "of_tomorrow", None])
def test_what_happens_to_a_suspended_session(reason):
    decision = Decision(Candidate(SESSION, 0, scheduled=False), Verdict.SKIP, "why")
    one = replace(MARKED, state=SessionState.SUSPENDED, reason=reason)
    words = outlook(one, decision, 2, scheduled=False, turn=None, up=set())
    assert "until somebody presses Resume" in words
    assert words.endswith("2 messages waiting for that.")


def boot(ident: int, started: float, seen: float, stopped: float | None = None) -> Boot:
    return Boot(ident, "host", 1, BootState.SERVING, started, seen, stopped)


def cut(turn: int, by: int | None = None, state: TurnState | None = None) -> Continuation:
    return Continuation(turn, 1, "drain_timeout", by, by, ResumeMode.NATIVE if by else None, None, state)


def test_the_timeline():
    cuts = (cut(1, 5, TurnState.COMPLETED), cut(2), cut(3, 6, TurnState.FAILED), cut(4, 7, TurnState.RUNNING))
    shown = timeline(
        (
            Restart(boot(3, 500.0, 700.0), BootEnd.RUNNING, 0, ()),
            Restart(boot(2, 300.0, 399.0, 400.0), BootEnd.STOPPED, 0, ()),
            Restart(boot(1, 100.0, 250.0), BootEnd.CRASHED, 6, cuts),
        ),
        800.0,
    )
    assert [(one.lasted, one.down) for one in shown] == [(300.0, 100.0), (100.0, 50.0), (150.0, None)]
    assert [one.summary for one in shown[1:]] == [
        "It interrupted nothing.",
        (
            "It interrupted 6 turns: 1 finished later, 1 still open or given up, 1 gone on with and failed, "
            "1 being gone on with, 2 not looked at here."
        ),
    ]
    assert became(cuts[0]) == "finished later"


def passage(number: int, received: float, *then: float | None, session: int = 1) -> Passage:
    started, ended, answered = (*then, None, None, None)[:3]
    turn = None if started is None else number
    return Passage(number, session, "a", turn, received, started, ended, answered, None, None)


def test_the_speed_of_answers():
    some = [passage(n, NOW - 100 + n, NOW - 99 + n, NOW - 95 + n, NOW - 90 + n) for n in range(10)]
    speed = measured(some, QUIET, NOW)
    assert (speed.messages, speed.p50, speed.p95, speed.width, len(speed.slots)) == (10, 10.0, 10.0, 10, 11)
    first = speed.slots[0]
    assert (first.begin, first.count, first.waited, first.worked, first.sent) == (
        NOW - 100,
        10,
        1.0,
        4.0,
        5.0,
    )
    assert (speed.slots[5].count, speed.slots[5].p50) == (0, None)


def test_how_much_waited():
    some = [
        passage(1, NOW - 100, NOW - 50),
        passage(2, NOW - 90, NOW - 50),
        passage(3, NOW - 40),  # withdrawn: no queue has it
        passage(4, NOW - 30, session=2),
        passage(5, NOW - 20, NOW - 20.0),
    ]
    overview = replace(QUIET, queues=(Queue(2, HERE, 1, NOW - 30),), waiting=1)
    speed = measured(some, overview, NOW)
    assert [slot.depth for slot in speed.slots] == [1, 2, 2, 2, 2, 0, 0, 1, 1, 1, 1]
    assert (speed.deepest, speed.waiting) == (2, 1)


@pytest.mark.parametrize("span", [0.0, 1.0, 3600.0, 86400.0 * 30, 86400.0 * 3000, -50.0])
def test_any_stretch_of_time_fits_the_chart(span):
    speed = measured([passage(1, NOW - span, NOW, NOW, NOW)], QUIET, NOW)
    assert 1 <= len(speed.slots) <= 24
    assert speed.slots[-1].begin <= NOW < speed.slots[-1].begin + speed.width


def test_quantiles():
    assert [quantile([1.0, 2.0, 3.0, 4.0], share) for share in (0.0, 0.5, 0.95, 1.0)] == [1.0, 2.0, 4.0, 4.0]
    assert quantile([], 0.5) is None


def test_a_line_has_gaps_where_there_is_nothing():
    chart = drawing.lines([("p50", [1.0, 2.0, None, 4.0])], ["a", "b", "c", "d"])
    assert re.sub(r"[\d. ]+", "", chart.lines[0].path) == "MLM"
    assert len(chart.lines[0].dots) == 3
    assert [tick.text for tick in chart.ticks] == ["0 s", "1 s", "2 s", "3 s", "4 s"]
    assert all(drawing.TOP <= y <= chart.ground for _, y in chart.lines[0].dots)


@pytest.mark.parametrize("value", [0.0, 1e-9, 0.003, 0.9, 1.0, 7.0, 59.9, 1e6])
def test_a_scale_holds_its_values(value):
    assert value <= drawing.nice(value) * 1.001
    assert drawing.nice(value) <= max(1.0, value * 2.6)
    assert drawing.bars([0, round(value)], ["a", "b"]).bars[1].y >= drawing.TOP - 0.1


@pytest.mark.parametrize(
    ("verb", "given", "found"),
    [
        ("resume", {"session": "007"}, {"session": "7"}),
        ("restart", {"wait": " 2.5 "}, {"wait": "2.5"}),
        ("drain", {}, {"wait": ""}),
        ("approve", {"code": "AB", "role": "admin", "more": "x"}, {"code": "AB", "role": "admin"}),
    ],
)
def test_what_a_verb_takes(verb, given, found):
    assert checked(VERBS[verb], given) == found


@pytest.mark.parametrize(
    ("verb", "given"),
    [
        ("resume", {}),
        ("resume", {"session": "-1"}),
        ("resume", {"session": "1e3"}),
        ("drop", {"delivery": str(2**63)}),
        ("approve", {"code": "AB", "role": "owner"}),
        ("revoke", {"account": "a", "person": "\x00"}),
        ("revoke", {"account": "a", "person": "x" * 600}),
        ("drain", {"wait": "-1"}),
        ("drain", {"wait": "nan"}),
        ("drain", {"wait": "1e99"}),
        ("drain", {"wait": "soon"}),
    ],
)
def test_what_a_verb_does_not_take(verb, given):
    with pytest.raises(OddError):
        checked(VERBS[verb], given)


def test_texts_are_shown_as_they_are_and_do_nothing():
    assert prose("a\n\tb\x1b[31m\u202e\x07c") == "a\n    b\ufffd[31m\ufffd\ufffdc"
    assert tail("sess-0123456789") == "23456789"
    assert place(Address("a", "7", "8", "9")) == "7 · thread 8 · user 9"
    assert stamp(-1.0) == "1970-01-01 00:00:00 UTC"
    assert stamp(1e18).startswith("9999")
    assert len(prose("x" * 1_000_000)) == SHOWN
    assert preview("\n" * SHOWN + "late") == "", "no more is looked at than is shown"
    told = render("told.html", MappingProxyType({"told": type("T", (), {"text": "<b>'\""}), "done": True}))
    assert "<b>" not in told
    assert "&lt;b&gt;&#39;&#34;" in told
