"""Backups of a gateway on all three platforms: a move to another place, and the return to an older day."""

import asyncio
import shutil
import signal

from adapters.emulators.faults import FaultKind
from adapters.registry import PLATFORMS
from gateway.engine.commands import RESTORED
from gateway.engine.drain import CUT_NOTICE
from gateway.model.operation import Intent
from tests.e2e.carryon import status
from tests.e2e.commands import command
from tests.harness.ledger import Ledger
from tests.harness.stage import open_stage

CUT = CUT_NOTICE[Intent.STOP]
WORK = "bake a cake [[tool oven 60s]]"
ASK = "paint the fence [[ask]]"
SAWS = "SELECT count(*) FROM approvals WHERE state = 'pending'"


def chats_on_each(stage, name):
    return [stage.chat(name, platform) for platform in PLATFORMS]


async def meet(stage, *several):
    """Everybody is known to the bot: of a first word said to it while it is down, Discord tells nothing."""
    for chat in several:
        chat.say("hello there")
    for chat in several:
        await stage.answered(chat, "hello there")


def move_house(stage):
    """From now on the stage is at another place."""
    state = stage.folder / "elsewhere" / "state"
    stage.configure(state_dir=str(state))
    stage.ledger = Ledger(state)


async def test_a_stopped_gateway_moves_and_everything_is_answered_once(tmp_path):
    async with open_stage(tmp_path, *PLATFORMS) as stage:
        stage.configure(shutdown={"drain_timeout": "0s"})
        working, quiet = chats_on_each(stage, "Ann"), chats_on_each(stage, "Bob")
        gateway = await stage.start()
        await meet(stage, *working, *quiet)
        for chat in working:
            chat.say(WORK)
        await stage.knows(
            lambda one: (
                one.one("SELECT count(*) FROM steps WHERE kind = 'tool' AND status = 'running'") == 3 or None
            ),
            "ovens",
        )
        for chat in working:
            chat.say("and a pie")
        await stage.knows(
            lambda one: one.one("SELECT count(*) FROM messages WHERE state = 'waiting'") == 3 or None, "pies"
        )
        assert await gateway.stop() == 0
        for chat in quiet:
            chat.say("while you move")
        kept = (await command(stage, "backup", tmp_path / "moving.tar", "--json")).values
        assert (kept["at_rest"], kept["clean"]) == (True, True)
        assert (kept["counts"]["waiting"], kept["counts"]["interrupted"]) == (3, 3)

        move_house(stage)
        said = await command(stage, "restore", tmp_path / "moving.tar")
        assert "goes on exactly where it was" in said.out
        assert "Do not start the gateway of the place that it came from" in said.out
        await stage.start()
        for chat in (*working, *quiet):
            await stage.heard(chat)
        for chat in working:
            chat.check(notices=[CUT])
            assert chat.in_order
        for chat in quiet:
            chat.check()
        assert stage.ledger.resumes == 3


class Day:
    """A day on all platforms, of which the second half is lost."""

    def __init__(self, stage):
        self.stage = stage
        self.quiet, self.asked, self.owed = (chats_on_each(stage, name) for name in ("Ann", "Bob", "Eve"))

    async def before(self):
        """At the time of the backup one reply is being sent, one question is open and a message waits."""
        stage = self.stage
        await stage.start()
        await meet(stage, *self.quiet, *self.asked, *self.owed)
        holds = []
        for chat in self.owed:
            account = chat.playground.platform
            method = chat.playground.methods.send
            holds.append((account, stage.fault(FaultKind.HOLD, method, account=account, chat=chat.id)))
            chat.say("what is owed")
        for account, fault in holds:
            await stage.held(fault, account)
        for chat in self.asked:
            chat.say(ASK)
        await stage.knows(lambda ledger: ledger.one(SAWS) == 3 or None, "three questions")
        for chat in self.asked:
            await stage.until(chat.playground.events.until(lambda chat=chat: question(chat)), "a question")
            chat.say("and the gate")
        await stage.knows(
            lambda one: one.one("SELECT count(*) FROM messages WHERE state = 'waiting'") == 3 or None, "gates"
        )
        return holds

    async def after(self, holds):
        """And everything went on."""
        stage = self.stage
        for account, fault in holds:
            stage.playground(account).faults.remove(fault)
        for chat in self.asked:
            chat.playground.press(chat.person, chat.id, question(chat).id, "Allow")
        for chat in self.asked:
            await stage.answered(chat, "and the gate")
            await stage.answered(chat, ASK)
        for chat in self.owed:
            await stage.answered(chat, "what is owed")
        for chat in self.quiet:
            await stage.ask(chat, "later that day")
        await stage.settled()


def question(chat):
    """The message with buttons."""
    return next((one for one in chat.playground.shown(chat.id) if one.from_bot and one.labels), None)


async def test_law_02_after_the_return_to_an_older_backup_nothing_is_answered_twice(tmp_path):
    async with open_stage(tmp_path, *PLATFORMS) as stage:
        day = Day(stage)
        holds = await day.before()
        kept = (await command(stage, "backup", tmp_path, "--json")).values
        assert (kept["at_rest"], kept["counts"]["running"], kept["counts"]["owed"]) == (False, 3, 3)
        await day.after(holds)
        lost = max(row[0] for row in stage.ledger.rows("SELECT id FROM deliveries"))
        stage.gateway.send(signal.SIGKILL)
        await stage.gateway.killed()
        await asyncio.to_thread(shutil.rmtree, tmp_path / "state")
        for chat in day.quiet:
            chat.say("is anybody there")

        done = (await command(stage, "restore", kept["path"], "--json")).values
        assert (done["exact"], done["held"], len(done["suspended"])) == (False, 3, 3)
        assert {one["chat"] for one in done["suspended"]} == {chat.id for chat in day.asked}
        listed = (await command(stage, "deliveries", "list", "--json")).values
        assert sorted((one["chat"], one["state"]) for one in listed) == sorted(
            (c.id, "held") for c in day.owed
        )
        seen = {chat.id: len(chat.replies) for chat in (*day.asked, *day.owed)}
        for chat in (*day.quiet, *day.owed):
            chat.say("hello again")
        await stage.start()
        for chat in (*day.quiet, *day.owed):
            await stage.answered(chat, "hello again")
        for chat in day.asked:
            chat.say("still there?")
            await stage.shows(chat, RESTORED)
        await stage.knows(lambda one: one.one(PENDING) == 0 or None, "all replies")

        counted = {one["name"]: one["too_old"] for one in (await status(stage))["accounts"]}
        for chat in day.quiet:
            for said in ("hello there", "later that day", "hello again"):
                assert len(chat.answers(said)) == 1, str(chat)
            there, account = len(chat.answers("is anybody there")), chat.playground.platform
            assert there == (account == "telegram"), "it cannot be known whether it was answered"
            assert counted[account] >= (0 if there else 2), "and that is said"
        for chat in day.asked:
            assert len(chat.replies) == seen[chat.id] + 1, str(chat)
        for chat in day.owed:
            assert len(chat.replies) == seen[chat.id] + 1, str(chat)
            assert len(chat.answers("what is owed")) == 1
        fresh = "SELECT min(id) FROM deliveries WHERE body LIKE '%hello again%'"
        assert stage.ledger.one(fresh) > lost + 1, "no id of the lost day is given out again"

        ann = day.asked[0]
        ids = dict(stage.ledger.rows("SELECT chat, id FROM sessions"))
        assert (await command(stage, "sessions", "resume", ids[ann.id])).code == 0
        asked = await stage.until(
            ann.playground.events.until(lambda: question(ann)), "the question once more"
        )
        ann.playground.press(ann.person, ann.id, asked.id, "Allow")
        await stage.answered(ann, "still there?")
        assert len(ann.answers("and the gate")) == 2, "an operator wanted it"


PENDING = "SELECT count(*) FROM deliveries WHERE state IN ('pending', 'sending', 'unknown')"
