"""SIGKILL at each named place: what was promised before it is kept, and what could not be known is said.

A gateway that sees through what the one before it left is itself the next to be killed: one start a death.
"""

from dataclasses import dataclass

import pytest

from adapters.emulators.faults import FaultKind, When
from gateway.engine.drain import CUT_NOTICE
from gateway.model.operation import Intent
from tests.contract.particulars import SentFile

FORGIVING = {"breaker": {"boots": 100}}
CUT = CUT_NOTICE[Intent.STOP]


HELD = "may not have reached you"
NEW = "A new conversation begins"


@dataclass(frozen=True, slots=True)
class Case:
    """What is to come of a message that somebody's gateway died of.

    `prompted`: prompts with its words; `resumed`: turns that continue the killed one; `labelled` and
    `plainly`: answers with and without the label of a repeat.
    """

    failpoint: str
    prompted: int
    resumed: int
    labelled: int = 0
    plainly: int = 1

    def check(self, stage, chat, notices=()):
        (said,) = chat.asked
        chat.check(labelled=chat.asked if self.labelled else (), notices=notices)
        assert len(chat.replies) == self.labelled + self.plainly + len(notices), str(chat)
        assert stage.memory.heard(said) == self.prompted, self
        assert resumes(stage, chat) == self.resumed, self
        assert stage.ledger.session(chat.id) == ("active", None), self


TAKEN = Case("", prompted=1, resumed=0, labelled=1)
CASES = [
    Case("intake.committed", prompted=1, resumed=0),
    Case("turn.begun", prompted=0, resumed=1),  # the note quotes the request
    Case("turn.opened", prompted=0, resumed=1),
    Case("turn.worked", prompted=1, resumed=1),
    Case("turn.committed", prompted=1, resumed=0),
    Case("outbox.claimed", prompted=1, resumed=0, labelled=1, plainly=0),
    Case("outbox.sent", prompted=1, resumed=0, labelled=1),
    Case("outbox.sent", prompted=1, resumed=0),  # and held
]


def resumes(stage, chat):
    """Turns of a chat that continue an interrupted one."""
    query = (
        "SELECT count(*) FROM turns WHERE resumes_turn_id IS NOT NULL "
        "AND session_id IN (SELECT id FROM sessions WHERE chat = ?)"
    )
    return stage.ledger.one(query, chat.id)


@pytest.mark.slow
async def test_killed_on_the_way_of_a_message(stage):
    """Each gateway comes to its failpoint for the first time with what the one before it left.

    The second time is that of a new message, and its end. Before the first death the platform takes a reply
    and does not say so. What the last one leaves in doubt is held, because that was chosen meanwhile.
    """
    stage.configure(resume=FORGIVING)
    first = stage.chat()
    chats = [stage.chat() for _ in CASES]
    hold = stage.fault(FaultKind.HOLD, "sendMessage", When.AFTER, chat=first.id)
    first.say("good morning")
    for number, (chat, case) in enumerate(zip(chats, CASES, strict=True)):
        gateway = await stage.start(failpoint=f"{case.failpoint}:2")
        await (stage.heard(chats[number - 1]) if number else stage.held(hold))
        assert len(first.replies) == (2 if number else 1)
        chat.say(f"hello {number}x")
        await gateway.killed()
        assert stage.ledger.heard(chat.id) == 1, f"killed before {case.failpoint}"

    stage.configure(delivery={"on_unknown": "hold"})
    gateway = await stage.start()
    await gateway.logged("delivery.held")
    await stage.settled()
    held = chats[-1]
    await stage.shows(held, HELD)
    for chat, case in zip((first, *chats), (TAKEN, *CASES), strict=True):
        case.check(stage, chat, [HELD] if chat is held else ())
    await stage.ask(held, "and again")
    await stage.settled()
    held.check(notices=[HELD])
    query = "SELECT state FROM deliveries WHERE kind = 'reply' AND chat = ? ORDER BY id"
    assert stage.ledger.rows(query, held.id) == [("held",), ("sent",)]


async def test_killed_while_a_file_is_fetched_and_when_a_command_was_obeyed(stage):
    """The gateway after the first death fetches anew, and dies of that file again."""
    stage.configure(resume=FORGIVING)
    ann, content = stage.chat(), b"a,b\n" * 1000
    gateway = await stage.start(failpoint="media.written")
    ann.give(SentFile("sums.csv", "text/csv", content), "keep these")
    await gateway.killed()
    assert stage.memory.given("sums.csv") == []
    gateway = await stage.start(failpoint="media.fetched")
    await gateway.killed()
    assert stage.memory.given("sums.csv") == []
    gateway = await stage.start(failpoint="command.acted")
    await stage.answered(ann, "keep these")
    await stage.settled()
    ann.say("/new")
    await gateway.killed()

    await stage.start()
    await stage.shows(ann, NEW)
    await stage.ask(ann, "what do you know [[recall]]")
    await stage.settled()
    ann.check(notices=[NEW])
    assert [path.read_bytes() for path in stage.memory.given("sums.csv")] == [content]
    assert [path.name for path in stage.incoming] == ["1-sums.csv"], "what is not whole is left lying"
    assert "I remember nothing." in ann.replies[-1].text
    assert stage.ledger.one("SELECT max(generation) FROM sessions") == 2


@pytest.mark.slow
async def test_killed_again_and_again_while_recovering_and_while_stopping(stage):
    stage.configure(resume=FORGIVING, shutdown={"drain_timeout": "0s"})
    works = [f"count the {things} [[sleep 700ms]]" for things in ("apples", "pears", "plums")]
    ann, *others = chats = [stage.chat() for _ in works]
    gateway = await stage.start()
    ann.say(works[0])
    await stage.at_work(works[0])
    await gateway.kill()
    for failpoint in ("boot.opened", "turn.begun", "turn.opened"):
        gateway = await stage.start(failpoint=failpoint)
        await gateway.killed()

    for number, (chat, failpoint) in enumerate(zip(others, ("drain.marked", "drain.flushed"), strict=True)):
        gateway = await stage.start(failpoint=failpoint)
        await recovered(stage, chats[number], number + 1)
        chat.say(works[number + 1])
        await stage.at_work(works[number + 1])
        gateway.terminate()
        await gateway.killed()
        assert not stage.ledger.stopped_cleanly
        assert stage.ledger.session(chat.id) == ("resume_pending", "drain_timeout")

    await stage.start()
    await recovered(stage, chats[-1], len(chats))
    for chat in chats:
        chat.check(notices=() if chat is ann else [CUT])
    assert [resumes(stage, chat) for chat in chats] == [3, 1, 1], "each interruption is resumed once"


async def recovered(stage, chat, notes):
    """Wait until what was interrupted in a chat has been gone on with, in one turn and with one note."""
    await stage.answered(chat, chat.asked[0])
    await stage.settled()
    assert stage.gateway.log.count("session.resume_scheduled") == 1
    assert len(stage.memory.notes) == notes
    restarted = sum("The gateway was restarted" in note for note in stage.memory.notes)
    assert restarted == notes - 1, "the first was killed at work, the others while it stopped"
    assert stage.ledger.session(chat.id) == ("active", None)
