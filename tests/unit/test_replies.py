"""What a chat is owed for an answer: pieces, files, and signs."""

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.engine.replies import GOES_ON
from gateway.model.agent import Ended, FileChunk, TextChunk
from gateway.model.attachment import OutFile
from gateway.model.delivery import Delivered, DeliveryKind, Rejected, RetryAfter, Unknown
from gateway.model.usage import Usage
from tests.helpers.fakes import Answer, ScriptedAgents
from tests.helpers.house import House, fresh_house
from tests.helpers.ledgers import ACCOUNT, entry
from tests.helpers.onlookers import Arrived, TalkingAgents, done, pass_time, scene, seen


async def answered(it: House, text: str, *chunks: FileChunk) -> list[tuple[DeliveryKind, str]]:
    """What arrives when the agent says this."""
    it.agents.answers.append(Answer((*((TextChunk(text),) if text else ()), *chunks)))
    await it.hear("go")
    await it.idle()
    return [(one.kind, one.file.name if one.file else one.body) for one in it.chat.delivered]


def content(file: OutFile) -> bytes:
    return Path(file.path).read_bytes()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


async def test_a_long_answer_comes_in_several_messages(tmp_path):
    async with fresh_house(tmp_path) as it:
        it.chat.text_limit = 80
        first, second = (f"{word} comes first, and goes on for a while." for word in ("This", "That"))
        found = await answered(it, f"{first}\n\n{second}")
        assert [body for _, body in found] == [first, second]


async def test_a_very_long_one_is_its_beginning_and_a_file(tmp_path):
    async with fresh_house(tmp_path, max_messages=2) as it:
        it.chat.text_limit = 80
        text = "\n\n".join(f"This is paragraph {number}." for number in range(40))
        (_, first), (kind, name) = await answered(it, text)
        assert first.startswith("This is paragraph 0.")
        assert first.endswith(GOES_ON)
        assert len(first) <= 80
        assert (kind, name) == (DeliveryKind.FILE, "answer.md")
        sent = it.chat.delivered[-1].file
        assert content(sent) == text.encode()
        assert (sent.mime, sent.size) == ("text/markdown", len(text))


async def test_where_no_file_can_be_sent_it_comes_in_many_messages(tmp_path):
    async with fresh_house(tmp_path, max_messages=2) as it:
        it.chat.text_limit, it.chat.file_limit = 80, 10
        found = await answered(it, "\n\n".join(f"This is paragraph {number}." for number in range(40)))
        assert len(found) > 10
        assert found[-1][1].endswith("This is paragraph 39.")


async def test_a_file_that_the_answer_links_to_is_sent_along(tmp_path, work):
    (work / "chart.png").write_bytes(b"png")
    async with fresh_house(tmp_path, agents=ScriptedAgents(cwd=str(work))) as it:
        found = await answered(it, "See ![the chart](chart.png) and [this](https://example.org/a.png).")
        assert found == [
            (DeliveryKind.REPLY, "See the chart and [this](https://example.org/a.png)."),
            (DeliveryKind.FILE, "chart.png"),
        ]
        assert content(it.chat.delivered[-1].file) == b"png"


@pytest.mark.parametrize(
    "link", ["../secret.txt", "/etc/passwd", "gone.txt", "`chart.png`", "file:///etc/passwd"]
)
async def test_other_links_stay_as_they_are(tmp_path, work, link):
    (tmp_path / "secret.txt").write_bytes(b"secret")
    async with fresh_house(tmp_path, agents=ScriptedAgents(cwd=str(work))) as it:
        text = f"See [it]({link})."
        assert await answered(it, text) == [(DeliveryKind.REPLY, text)]


async def test_bytes_in_the_answer_become_a_file(tmp_path, work):
    async with fresh_house(tmp_path, agents=ScriptedAgents(cwd=str(work))) as it:
        found = await answered(it, "", FileChunk("../plot.png", "image/png", b"png"))
        assert found == [(DeliveryKind.REPLY, "📎 plot.png"), (DeliveryKind.FILE, "plot.png")]


async def test_what_is_too_large_is_said(tmp_path, work):
    (work / "big.bin").write_bytes(b"x" * 2 * 1024 * 1024)
    async with fresh_house(tmp_path, agents=ScriptedAgents(cwd=str(work))) as it:
        ((_, body),) = await answered(it, "Here: [big](big.bin)")
        assert body == "Here: [big](big.bin)\n\n(big.bin was not sent: it is too large: 2 MB.)"


async def test_a_file_that_was_lost_meanwhile_is_told_to_the_operator(tmp_path, work):
    (work / "chart.png").write_bytes(b"png")
    async with scene(tmp_path) as s:
        async with s.life(agents=TalkingAgents(cwd=str(work)), ready=False) as it:
            it.agents.say_at_once("See ![the chart](chart.png)")
            await it.hear("go")
            await it.lanes.all_idle()
        for path in (tmp_path / "media" / "out").iterdir():
            path.unlink()
        async with s.life() as it:
            await done(it)
        assert s.chat.reads() == ["See the chart"]
        (lost,) = await s.ledger.store.deliveries(10)
        assert "not there any more" in lost.error


async def test_killed_before_it_is_sent_a_file_is_sent_as_it_was(tmp_path, work):
    (work / "chart.png").write_bytes(b"png")
    async with scene(tmp_path) as s:
        async with s.life(agents=TalkingAgents(cwd=str(work)), ready=False) as it:
            it.agents.say_at_once("See ![the chart](chart.png)")
            await it.hear("go")
            await it.lanes.all_idle()
        (work / "chart.png").write_bytes(b"changed since")
        async with s.life() as it:
            await done(it)
            assert content(s.chat.delivered[-1].file) == b"png"
            assert it.agents.prompts == []


async def test_a_file_in_doubt_is_labelled_or_held_as_a_reply_is(tmp_path, work):
    (work / "chart.png").write_bytes(b"png")
    async with scene(tmp_path) as s, s.life(agents=TalkingAgents(cwd=str(work))) as it:
        it.agents.say_at_once("![chart](chart.png)")
        s.chat.script["1001"].extend([Delivered("m1"), Arrived("?")])
        await it.hear("go")
        await done(it)
        files = [one for one in s.chat.tried if one.kind is DeliveryKind.FILE]
        assert [one.doubtful for one in files] == [False, True]


async def test_an_answer_that_grew_and_has_files_ends_in_its_message(tmp_path, work):
    (work / "chart.png").write_bytes(b"png")
    async with scene(tmp_path) as s, s.life(agents=TalkingAgents(cwd=str(work))) as it:
        end = it.agents.talk("Half")
        await it.hear("go")
        await seen(it, "Half")
        it.agents.say(" and ![chart](chart.png)")
        end.set()
        await done(it)
        assert s.chat.edited[-1][1] == "Half and chart"
        assert [one.kind for one in s.chat.delivered] == [DeliveryKind.STREAM, DeliveryKind.FILE]


async def test_what_the_agent_says_of_its_cost_is_kept(tmp_path):
    async with fresh_house(tmp_path) as it:
        it.agents.answers.append(Answer(end=Ended("end_turn", Usage(10, 20, 30, 100, 0.5, "USD"))))
        await it.hear("go")
        await it.idle()
        (turn,) = await it.ledger.store.turns(1)
        assert turn.usage == Usage(10, 20, 30, 100, 0.5, "USD")


async def test_a_sign_tells_that_it_was_answered(tmp_path):
    async with fresh_house(tmp_path, receipts=True) as it:
        await it.ledger.say("one")
        it.lanes.wake(1)
        await it.idle()
        signs = [(one.body, one.reply_to) for one in it.chat.delivered if one.kind is DeliveryKind.RECEIPT]
        assert signs == [("done", "7")]


@pytest.mark.parametrize("trouble", [Rejected("no such emoji"), Unknown("?")])
async def test_a_sign_that_cannot_be_given_troubles_nobody(tmp_path, trouble):
    async with scene(tmp_path) as s, s.life(receipts=True) as it:
        await s.ledger.say("one")
        s.chat.script["1001"].extend([Unknown("?"), trouble, *([Unknown("?")] * 20)])
        it.lanes.wake(1)
        await pass_time(it, 120.0)
        assert len(it.outbox) == 0


@pytest.mark.parametrize(
    ("chunk", "said"),
    [
        (FileChunk("big.png", "image/png", b"x" * (1024 * 1024 + 1)), "it is too large: 1 MB"),
        (FileChunk("", "", path="/etc/passwd"), "it is not a file of its working directory"),
        (FileChunk("e.txt", "text/plain", path="e.txt"), "it is empty"),
    ],
)
async def test_an_answer_that_is_only_a_file_is_never_silence(tmp_path, work, chunk, said):
    (work / "e.txt").write_bytes(b"")
    async with fresh_house(tmp_path, agents=ScriptedAgents(cwd=str(work))) as it:
        ((kind, body),) = await answered(it, "", chunk)
        assert kind is DeliveryKind.REPLY
        assert said in body


@pytest.mark.parametrize("text", [">\n" * 3000, "\u200b" * 5000, "\n> \n" * 2000])
async def test_what_comes_to_nothing_when_it_is_cut_is_never_silence(tmp_path, text):
    async with fresh_house(tmp_path) as it:
        found = await answered(it, text)
        assert [kind for kind, _ in found if kind is DeliveryKind.REPLY]
        assert all(body.strip() for kind, body in found if kind is DeliveryKind.REPLY)


async def test_of_many_files_the_first_are_sent_and_the_rest_is_said(tmp_path, work):
    async with fresh_house(tmp_path, agents=ScriptedAgents(cwd=str(work))) as it:
        found = await answered(it, "", *(FileChunk(f"{n}.png", "image/png", b"png") for n in range(12)))
        assert [kind for kind, _ in found].count(DeliveryKind.FILE) == 10
        assert found[0][1].count("no more than 10 go with an answer") == 2


async def test_no_answer_waits_for_a_sign(tmp_path):
    async with scene(tmp_path) as s, s.life(receipts=True) as it:
        s.chat.script["1001"].extend([RetryAfter(300.0, "slow down")])
        await s.ledger.store.accept(ACCOUNT, [replace(entry("hello", "s1"), receipt=True)], [], {}, 1.0)
        it.outbox.push(await s.ledger.store.owed(ACCOUNT))
        it.lanes.wake(1)
        await pass_time(it, 2.0)
        assert s.chat.texts() == ["echo hello"]
