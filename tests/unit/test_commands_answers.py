"""/approve and /deny: the oldest open question of a conversation is answered in words."""

import pytest

from gateway.engine import answers
from gateway.engine.answers import ONLY_ONCE
from gateway.model.agent import ToolUpdate
from gateway.model.permission import OptionKind, PermissionOption, PermissionRequest
from tests.helpers.clock import until
from tests.helpers.commanding import ANN, commanded, given, gives, reborn
from tests.helpers.fakes import Answer
from tests.helpers.ledgers import ACCOUNT

K = OptionKind
ALL = tuple(PermissionOption(kind, kind, kind) for kind in K)


def request(*kinds, title="rm -rf build"):
    options = tuple(one for one in ALL if one.kind in kinds) if kinds else ALL
    return PermissionRequest(ToolUpdate("call-1", title, "execute"), options)


async def asked(it, *requests, chat="1001"):
    """The agent is at work and asks."""
    it.agents.answers.append(Answer(asks=requests))
    await it.hear("work", chat)
    while not await it.ledger.store.pending_approvals(await it.session_of(chat)):
        await it.quiet()
    await until(lambda: any("asks for permission" in text for text in it.chat.texts(chat)))


@pytest.mark.parametrize(
    ("line", "offered", "chosen", "told"),
    [
        ("/approve", (), K.ALLOW_ONCE, "Allowed: rm -rf build"),
        ("/approve ALWAYS", (), K.ALLOW_ALWAYS, "Always allowed: rm -rf build"),
        ("/deny", (), K.REJECT_ONCE, "Refused: rm -rf build"),
        ("/deny always", (), K.REJECT_ALWAYS, "Always refused: rm -rf build"),
        ("/approve", (K.ALLOW_ALWAYS, K.REJECT_ONCE), K.ALLOW_ALWAYS, "Always allowed: rm -rf build"),
        ("/approve always", (K.REJECT_ONCE, K.ALLOW_ONCE), K.ALLOW_ONCE, "Allowed: rm -rf build"),
        ("/deny", (K.ALLOW_ONCE, K.REJECT_ALWAYS), K.REJECT_ALWAYS, "Always refused: rm -rf build"),
        ("/deny always", (K.REJECT_ONCE,), K.REJECT_ONCE, "Refused: rm -rf build"),
    ],
)
async def test_the_question_is_answered_by_what_comes_nearest(tmp_path, line, offered, chosen, told):
    async with commanded(tmp_path) as it:
        await asked(it, request(*offered))
        once = f"\n{ONLY_ONCE}" if "always" in line and not chosen.lasts else ""
        assert await gives(it, line, idle=True) == told + once
        assert it.agents.permitted == [chosen]
        ((_, ended),) = it.chat.edited
        assert ended == told.replace(":", " by Ann:")


async def test_the_oldest_one_is_answered_and_the_next_one_is_another(tmp_path):
    async with commanded(tmp_path) as it:
        await asked(it, request(title="one"), request(title="two"))
        assert await gives(it, "/approve") == "Allowed: one"
        await until(lambda: any(text.endswith(": two") for text in it.chat.texts()))
        assert await gives(it, "/deny", idle=True) == "Refused: two"
        assert it.agents.permitted == [K.ALLOW_ONCE, K.REJECT_ONCE]


async def test_several_that_are_open_at_once_are_answered_in_their_order(tmp_path):
    async with commanded(tmp_path) as it:
        it.agents.hold()
        await it.hear("work")
        await it.at_work()
        session_id, asker = await it.session_of(), it.turns._parts.approvals.asker(1, 1)
        open_ = [it.group.create_task(asker(request(title=title))) for title in ("one", "two", "three")]
        while len(await it.ledger.store.pending_approvals(session_id)) < 3:
            await it.quiet()
        await it.outbox.empty()
        titles = [one.request.tool.title for one in await it.ledger.store.pending_approvals(session_id)]
        assert await gives(it, "/approve") == f"Allowed: {titles[0]}\n2 more questions open."
        for line in ("/deny", "/approve"):
            it.commands.carry_out(await given(it, line))
        decided = {f"{await one}" for one in open_}
        assert decided == {K.ALLOW_ONCE, K.REJECT_ONCE}


async def test_nothing_is_asked(tmp_path):
    async with commanded(tmp_path) as it:
        assert await gives(it, "/approve") == answers.NOTHING_ASKED
        await asked(it, request(), chat="2002")
        assert await gives(it, "/deny") == answers.NOTHING_ASKED, "what is asked elsewhere is not meant"
        assert it.agents.permitted == []


async def test_what_the_agent_does_not_offer(tmp_path):
    async with commanded(tmp_path) as it:
        await asked(it, request(K.ALLOW_ONCE))
        assert await gives(it, "/deny") == answers.NOT_OFFERED
        assert it.agents.permitted == []


@pytest.mark.parametrize("text", ["all", "always always", "2"])
async def test_what_cannot_be_understood_decides_nothing(tmp_path, text):
    async with commanded(tmp_path) as it:
        await asked(it, request())
        assert await gives(it, f"/approve {text}") == answers.HOW.format("approve")
        assert it.agents.permitted == []


@pytest.mark.parametrize("line", ["/approve", "/deny always"])
async def test_after_a_restart_the_next_question_is_not_meant(tmp_path, line):
    """Whoever wrote it had seen another question."""
    async with commanded(tmp_path) as it:
        await given(it, line, ANN)
        reborn(it)
        await asked(it, request())
        await it.commands.catch_up(ACCOUNT)
        await it.outbox.empty()
        assert it.chat.texts()[-1] == answers.VOID
        assert it.agents.permitted == []
