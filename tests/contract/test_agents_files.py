"""Files that go with prompts, as far as an agent takes them, and files that agents hand out."""

import asyncio
import gc
import json
import logging
import os
from pathlib import Path

import pytest

from gateway.agents import enclosures, handouts
from gateway.agents.demo_files import picture
from gateway.agents.process import AgentProcess
from gateway.model.agent import (
    AgentFailed,
    CancelledPrompt,
    FileChunk,
    TextChunk,
    ThoughtChunk,
    ToolUpdate,
)
from gateway.model.attachment import AttachmentKind, PromptFile
from tests.contract.agents import (
    BOUND,
    Chat,
    becomes,
    demo_spec,
    killed,
    noticed,
    odd_chat,
    pool_of,
    processes,
    prompt_file,
)

PICTURE = b"\x89PNG\r\n\x1a\n a picture"
MANY = enclosures.FILE_LIMIT
PNG = picture(3000)


def some_files(folder: Path) -> tuple[PromptFile, ...]:
    work = folder / "work space"
    return (
        prompt_file(work / "1-cat.png", PNG, AttachmentKind.IMAGE, "image/png"),
        prompt_file(work / "2-hum.ogg", b"a hum", AttachmentKind.VOICE, "audio/ogg"),
        prompt_file(work / "3-plan (1).pdf", b"a plan", AttachmentKind.FILE, "application/pdf"),
        PromptFile(str(work / "4-gone.png"), "4-gone.png", "image/png", AttachmentKind.IMAGE),
    )


async def test_an_agent_is_given_what_it_takes_whole_and_links_to_the_rest(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "takes_files") as chat:
        told = json.loads(await chat.ask("look", "a note", some_files(tmp_path)))
    work = (tmp_path / "work space").as_uri()
    image = {"type": "image", "mimeType": "image/png", "data": 4000, "uri": f"{work}/1-cat.png"}
    link = {"name": "3-plan (1).pdf", "mimeType": "application/pdf", "size": 6}
    assert told == [
        {"type": "text", "text": "a note"},
        {"type": "text", "text": "look"},
        image,
        {"type": "audio", "mimeType": "audio/ogg", "data": 8},
        {"type": "resource_link", "uri": f"{work}/3-plan%20%281%29.pdf", **link},
    ]


async def test_an_agent_that_takes_nothing_is_given_links(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "takes_no_files") as chat:
        told = json.loads(await chat.ask("look", files=some_files(tmp_path)))
    assert [block["type"] for block in told] == ["text", *["resource_link"] * 3]
    assert [block["size"] for block in told[1:]] == [3000, 5, 6]


async def test_the_demo_agent_sees_what_it_is_given_and_remembers_the_words(tmp_path: Path) -> None:
    files = some_files(tmp_path)
    async with pool_of(demo_spec(tmp_path)) as pool:
        chat = Chat(pool)
        said = await chat.ask("two things [image: attachments/1-cat.png] [[see]]", files=files)
        lines = [line for line in said.splitlines() if line.startswith("- ")]
        assert lines[0].startswith("- image 1-cat.png image/png 3000 bytes sha256 ")
        assert lines[1].startswith("- audio unnamed audio/ogg 5 bytes sha256 ")
        assert lines[2].startswith("- resource_link 3-plan (1).pdf application/pdf 6 bytes sha256 ")
        assert len(lines) == 3
        await killed(processes(pool)[0])
        opened = await chat.open()
        # The files are replayed as well, and are no part of what was said.
        assert opened.last_replayed == "two things [image: attachments/1-cat.png] [[see]]"
        recalled = "From my own memory:\n- two things [image: attachments/1-cat.png]"
        assert await chat.ask("[[recall]]", files=files) == recalled


async def test_the_demo_agent_can_do_without_media(tmp_path: Path) -> None:
    async with pool_of(demo_spec(tmp_path, env={"DEMO_AGENT_NO_MEDIA": "1"})) as pool:
        files = some_files(tmp_path)
        gone = PromptFile(str(tmp_path / "gone"), "gone", "", AttachmentKind.FILE)
        said = await Chat(pool).ask("[[see]]", files=(files[0], gone))
        assert said.startswith("- resource_link 1-cat.png image/png 3000 bytes sha256 ")
        assert len(said.splitlines()) == 1


async def test_the_demo_agent_makes_files_where_it_works_and_hands_them_out(tmp_path: Path) -> None:
    work = tmp_path / "work"
    async with pool_of(demo_spec(tmp_path, cwd=str(work))) as pool:
        chat = Chat(pool)
        said = await chat.ask("two [[file note.txt 2KB]] [[file ../../cat.png]]")
        assert said == "You said: two\n\nI made [note.txt](note.txt).\n\nI made ![cat.png](cat.png)."
        assert sorted(path.name for path in work.iterdir()) == ["cat.png", "note.txt"]
        assert (work / "note.txt").stat().st_size == 2048
        assert await chat.ask("[[image]]") == ""
        (file,) = [update for update in chat.updates if isinstance(update, FileChunk)]
        assert file == FileChunk("image.png", "image/png", picture())
        await chat.pool.set_mode(1, "shout")
        assert await chat.ask("[[file loud.txt]]") == "I MADE [loud.txt](loud.txt)."


async def test_files_within_an_answer(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "hands_out_files") as chat:
        assert await chat.ask("!") == "a note!"
    assert [update for update in chat.updates if isinstance(update, FileChunk)] == [
        FileChunk("image.png", "image/png", PICTURE),
        FileChunk("a b.png", "image/png", PICTURE),
        FileChunk("audio.mp3", "audio/mpeg", PICTURE),
        FileChunk("report.pdf", "application/pdf", PICTURE),
        FileChunk("plan.md", "text/markdown", path="/w/plan.md"),
    ]


async def test_files_that_are_none_become_words(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "hands_out_rubbish") as chat:
        await chat.ask("!")
    texts = [update.text for update in chat.updates if isinstance(update, TextChunk)]
    assert texts[:-2] == [
        "[image]",
        "[audio]",
        "[far](file://elsewhere/etc/passwd)",
        "[web](https://host.example/x)",
        "[null](file:///w/a%00b)",
    ]
    assert texts[-2].startswith("[long](file:///xxx")
    unknown = "application/octet-stream"
    assert [update for update in chat.updates if isinstance(update, FileChunk)] == [
        FileChunk("..", unknown, PICTURE),
        FileChunk("../../.bashrc", unknown, path="/w/../../etc/passwd"),  # confined by those who use it
    ]
    assert [update for update in chat.updates if isinstance(update, ThoughtChunk)] == [
        ThoughtChunk("[image]")
    ]
    (call,) = [update for update in chat.updates if isinstance(update, ToolUpdate)]
    assert call.text == "[image]"


async def test_a_file_that_is_too_large_becomes_words(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "hands_out_too_much") as chat:
        assert await chat.ask("!") == "[image]!"


async def test_a_file_as_large_as_it_may_be_arrives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handouts, "FILE_LIMIT", 21 * 1024 * 1024)
    async with odd_chat(tmp_path, "hands_out_too_much") as chat:
        await chat.ask("!")
    (file,) = [update for update in chat.updates if isinstance(update, FileChunk)]
    assert file.data == bytes(21 * 1024 * 1024)


def large_files(folder: Path) -> tuple[PromptFile, ...]:
    """Fifteen megabytes."""
    whole = PICTURE + bytes(MANY - len(PICTURE))
    paths = [folder / "work" / f"{number}.png" for number in range(4)]
    return tuple(prompt_file(path, whole, AttachmentKind.IMAGE, "image/png") for path in paths)


async def test_a_prompt_of_twenty_megabytes_arrives(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "takes_files") as chat:
        told = json.loads(await chat.ask("look", files=large_files(tmp_path)))
    assert [block.get("data") for block in told[1:]] == [(MANY + 2) // 3 * 4] * 4


async def test_the_demo_agent_reads_twenty_megabytes(tmp_path: Path) -> None:
    async with pool_of(demo_spec(tmp_path)) as pool:
        said = await Chat(pool).ask("[[see]]", files=large_files(tmp_path))
        assert said.count(f"image/png {MANY} bytes") == 4


async def test_an_agent_that_dies_of_a_long_prompt_is_lost_and_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = large_files(tmp_path)
    async with odd_chat(tmp_path, "dies_of_a_long_prompt") as chat:
        await chat.open()
        async with asyncio.timeout(BOUND):
            end = await chat.prompt("look", files=files)
        assert isinstance(end, AgentFailed)
        assert end.lost
        assert end.message.startswith("The agent stopped unexpectedly")
        await becomes(lambda: not processes(chat.pool), "the end of its process")
        assert not chat.pool.holds(1)
    await noticed()
    gc.collect()
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []


async def test_an_agent_that_stops_reading_can_be_stopped(tmp_path: Path) -> None:
    files = large_files(tmp_path)
    async with odd_chat(tmp_path, "stops_reading", cancel_timeout=0.2, drain_timeout=0.2) as chat:
        await chat.open()
        agent = processes(chat.pool)[0]
        async with asyncio.TaskGroup() as tasks, asyncio.timeout(BOUND):
            prompt = tasks.create_task(chat.prompt("look", files=files))
            await becomes(lambda: _waits(agent), "a prompt half written")
            await chat.pool.cancel(1)
        assert prompt.result() == CancelledPrompt()
        await chat.open()
        assert processes(chat.pool) != [agent]


def _waits(agent: AgentProcess) -> bool:
    """Whether something is still to be written to an agent."""
    pipe = agent._pipe_transport.get_pipe_transport(0)
    return pipe.get_write_buffer_size() > 0


async def test_a_pipe_in_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    os.mkfifo(tmp_path / "work" / "1.png")
    (tmp_path / "work" / "2.png").symlink_to("/etc/hostname")
    files = [
        PromptFile(str(tmp_path / "work" / name), name, "image/png", AttachmentKind.IMAGE)
        for name in ("1.png", "2.png")
    ]
    async with odd_chat(tmp_path, "takes_files") as chat, asyncio.timeout(BOUND):
        told = json.loads(await chat.ask("look", files=files))
    assert [block["type"] for block in told] == ["text"]
