"""Files that people send, from the chat to the agent: in one life, and over several."""

import asyncio
from collections import deque
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.engine.media import ATTEMPTS
from gateway.model.address import ChatKind
from gateway.model.agent import Opened
from gateway.model.attachment import Attachment, AttachmentKind, FetchFailed, PromptFile
from gateway.model.message import Inbound
from gateway.model.session import ResumeMode
from gateway.ports import Batch
from tests.helpers.clock import until
from tests.helpers.fakes import ScriptedAgents
from tests.helpers.house import House, fresh_house
from tests.helpers.ledgers import ACCOUNT
from tests.helpers.onlookers import TalkingAgents, done, pass_time, scene

PHOTO = Attachment("ref-1", "My photo.png", "image/png", 3, AttachmentKind.IMAGE)
NOTES = Attachment("ref-2", "../notes.txt", "text/plain", None, AttachmentKind.FILE)


async def send(it: House, text: str, *attachments: Attachment, event: str = "f1") -> None:
    at = it.clock.now()
    inbound = Inbound(event, "1001", ChatKind.DIRECT, "1001", "Ann", text, at, message_ref="7")
    await it.intake.accept(Batch(ACCOUNT, (replace(inbound, attachments=attachments),), {"": event}))


def contents(*paths: str | Path) -> list[bytes]:
    return [Path(path).read_bytes() for path in paths]


def remote(it: House, **files: bytes | FetchFailed) -> None:
    it.chat.remote.update({f"ref-{key[1:]}": deque([found]) for key, found in files.items()})


async def test_the_agent_gets_words_and_files(tmp_path):
    agents = ScriptedAgents(cwd=str(tmp_path / "work"))
    async with fresh_house(tmp_path, agents=agents) as it:
        remote(it, f1=b"png", f2=b"note")
        await send(it, "look", PHOTO, NOTES)
        await it.idle()
        ((_, prompt),) = agents.prompts
        photo, notes = (
            tmp_path / "work" / "attachments" / name for name in ("1-My_photo.png", "2-notes.txt")
        )
        assert prompt.text.splitlines() == [
            "look",
            "[image: attachments/1-My_photo.png]",
            "[file: attachments/2-notes.txt]",
        ]
        assert prompt.files == (
            PromptFile(str(photo), "My_photo.png", "image/png", AttachmentKind.IMAGE),
            PromptFile(str(notes), "notes.txt", "text/plain", AttachmentKind.FILE),
        )
        assert (photo.read_bytes(), notes.read_bytes()) == (b"png", b"note")


async def test_a_file_without_words_is_a_message(tmp_path):
    agents = ScriptedAgents(cwd=str(tmp_path / "work"))
    async with fresh_house(tmp_path, agents=agents) as it:
        remote(it, f1=b"png")
        await send(it, "", PHOTO)
        await it.idle()
        assert agents.texts() == ["[image: attachments/1-My_photo.png]"]
        assert (await it.ledger.session(1)).title == "[image: attachments/1-My_photo.png]"


@pytest.mark.parametrize(
    ("attachment", "found", "why"),
    [
        (PHOTO, FetchFailed("it is gone"), "it is gone"),
        (replace(PHOTO, size=2 * 1024 * 1024), b"png", "it is larger than 1 MB"),
        (NOTES, b"x" * (1024 * 1024 + 1), "it is too large"),
    ],
)
async def test_a_file_that_cannot_be_had_is_told_to_the_agent(tmp_path, attachment, found, why):
    agents = ScriptedAgents(cwd=str(tmp_path / "work"))
    async with fresh_house(tmp_path, agents=agents) as it:
        remote(it, f1=found, f2=found)
        await send(it, "look", attachment)
        await it.idle()
        ((_, prompt),) = agents.prompts
        assert prompt.files == ()
        assert f"could not be fetched: {why}.)" in prompt.text


async def test_trouble_that_passes_is_waited_for(tmp_path):
    async with scene(tmp_path) as s, s.life(agents=TalkingAgents(cwd=str(tmp_path / "work"))) as it:
        trouble = FetchFailed("no connection", again=True)
        s.chat.remote["ref-1"] = deque([trouble, trouble, b"png"])
        await send(it, "look", PHOTO)
        await done(it)
        assert it.agents.prompts[0][1].files
        assert s.chat.fetched == ["ref-1"] * 3


async def test_trouble_that_lasts_is_given_up(tmp_path):
    async with scene(tmp_path) as s, s.life(agents=TalkingAgents(cwd=str(tmp_path / "work"))) as it:
        s.chat.remote["ref-1"] = deque([FetchFailed("no connection", again=True)])
        await send(it, "look", PHOTO)
        await done(it)
        assert s.chat.fetched == ["ref-1"] * ATTEMPTS
        assert "no connection" in it.agents.texts()[0]


async def test_a_file_is_fetched_while_the_agent_is_at_work_on_something_else(tmp_path):
    agents = ScriptedAgents(cwd=str(tmp_path / "work"))
    async with fresh_house(tmp_path, agents=agents) as it:
        remote(it, f1=b"png")
        hold = agents.hold()
        await it.hear("first")
        await it.at_work()
        await send(it, "look", PHOTO)
        await until(lambda: it.chat.fetched == ["ref-1"])
        hold.set()
        await it.idle()
        assert it.chat.fetched == ["ref-1"], "and not once more for its turn"
        assert agents.prompts[1][1].files


async def test_a_stop_does_not_wait_for_a_file(tmp_path):
    agents = ScriptedAgents(cwd=str(tmp_path / "work"))
    async with fresh_house(tmp_path, agents=agents) as it:
        remote(it, f1=b"png")
        it.chat.gates["ref-1"] = asyncio.Event()
        await send(it, "look", PHOTO)
        await until(lambda: it.chat.fetched == ["ref-1"])
        await it.hear("", command="stop")
        await until(lambda: it.chat.texts() == ["Stopped."])
        await it.idle()
        assert agents.prompts == []


async def test_killed_while_it_is_fetched_it_is_fetched_again(tmp_path):
    work = str(tmp_path / "work")
    async with scene(tmp_path) as s:
        async with s.life(agents=TalkingAgents(cwd=work)) as it:
            s.chat.remote["ref-1"] = deque([b"png"])
            gate = s.chat.gates["ref-1"] = asyncio.Event()
            await send(it, "look", PHOTO)
            await until(lambda: s.chat.fetched == ["ref-1"])
        gate.set()
        async with s.life(agents=TalkingAgents(cwd=work)) as it:
            await done(it)
            (prompt,) = (prompt for _, prompt in it.agents.prompts)
            assert contents(*(file.path for file in prompt.files)) == [b"png"]
            assert "attachments/1-My_photo.png" in prompt.text + prompt.note


@pytest.mark.parametrize(("mode", "again"), [(ResumeMode.BOOTSTRAP, True), (ResumeMode.NATIVE, False)])
async def test_killed_at_work_the_agent_gets_the_file_again_if_it_has_forgotten_it(tmp_path, mode, again):
    work = str(tmp_path / "work")
    async with scene(tmp_path) as s:
        async with s.life(agents=TalkingAgents(cwd=work)) as it:
            s.chat.remote["ref-1"] = deque([b"png"])
            it.agents.hold()
            await send(it, "look", PHOTO)
            await it.at_work()
        async with s.life(agents=TalkingAgents(cwd=work)) as it:
            replayed = "look [image: attachments/1-My_photo.png]"
            it.agents.openings.append(Opened(mode, "scripted", "agent-1", work, "", replayed))
            await done(it)
            ((_, prompt),) = it.agents.prompts
            assert bool(prompt.files) is again
        assert s.chat.fetched == ["ref-1"], "it was on the disk"


async def test_what_cannot_be_fetched_is_not_tried_again_at_the_next_start(tmp_path):
    work = str(tmp_path / "work")
    async with scene(tmp_path) as s:
        async with s.life(agents=TalkingAgents(cwd=work)) as it:
            it.agents.hold()
            await send(it, "look", PHOTO)
            await it.at_work()
        async with s.life(agents=TalkingAgents(cwd=work)) as it:
            it.agents.openings.append(Opened(ResumeMode.FRESH, "scripted", "agent-1", work))
            await done(it)
            ((_, prompt),) = it.agents.prompts
            assert "which could not be fetched" in prompt.note + prompt.text
        assert s.chat.fetched == ["ref-1"]


async def test_time_passes_for_a_file_that_hangs(tmp_path):
    async with scene(tmp_path) as s, s.life(agents=TalkingAgents(cwd=str(tmp_path / "work"))) as it:
        s.chat.remote["ref-1"] = deque([b"png"])
        s.chat.gates["ref-1"] = asyncio.Event()
        await send(it, "look", PHOTO)
        await pass_time(it, 2.0)
        assert it.agents.prompts == []
        s.chat.gates["ref-1"].set()
        await done(it)
        assert it.agents.prompts[0][1].files
