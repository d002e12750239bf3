"""Files both ways, on each platform: what people send the agent has, and what the agent makes people get."""

import pytest
import pytest_asyncio

from gateway.agents.demo_files import make, picture
from tests.contract.particulars import SentFile, png
from tests.e2e.chatting import PLATFORMS, Talk, digest, given
from tests.harness.answers import Shape, shape
from tests.harness.stage import open_stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOTES = SentFile("notes.txt", "text/plain", b"eggs\nflour\nsugar\n")
LARGEST = 64 * 1024


def photo(number):
    """A picture like no other."""
    return SentFile(f"cake-{number}.png", "image/png", png(filling=number))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory):
    async with open_stage(tmp_path_factory.mktemp("house"), *PLATFORMS) as opened:
        opened.configure(media={"max_size": "64KB"})
        await opened.start()
        yield opened


@pytest.fixture(params=PLATFORMS)
def platform(request):
    return request.param


@pytest.fixture
def ann(stage, platform):
    return Talk.new(stage, platform)


async def test_the_agent_has_a_picture_and_the_words_with_it(ann):
    cake = photo(PLATFORMS.index(ann.platform) + 1)
    ann.give(cake, text="look at this [[see]]")
    await ann.done(1)
    (answer,) = ann.texts
    assert shape(answer, ["look at this [[see]]"]) is Shape.WHOLE, answer
    assert "image" in answer
    assert digest(cake.content) in answer
    assert len(given(ann.stage, cake.content)) == 1


async def test_a_file_needs_no_words(ann):
    notes = SentFile(f"{ann.platform}.txt", "text/plain", NOTES.content + ann.platform.encode())
    ann.give(notes)
    await ann.done(1)
    (answer,) = ann.texts
    (path,) = given(ann.stage, notes.content)
    assert path.name in answer
    assert path.name.endswith(notes.name)


@pytest.mark.parametrize("platform", ["discord", "slack"])  # on Telegram each has a message of its own
async def test_several_files_of_a_message_come_together(ann):
    number = PLATFORMS.index(ann.platform)
    first, second = photo(100 + number), SentFile("plan.txt", "text/plain", f"plan {number}".encode())
    ann.give(first, second, text="these [[see]]")
    await ann.done(1)
    (answer,) = ann.texts
    assert shape(answer, ["these [[see]]"]) is Shape.WHOLE, answer
    assert digest(first.content) in answer
    assert digest(second.content) in answer
    assert len(given(ann.stage, first.content)) == len(given(ann.stage, second.content)) == 1


async def test_one_that_is_too_large_is_told_of_and_the_words_count(ann):
    film = SentFile("film.bin", "application/octet-stream", b"\0" * (LARGEST + 1))
    ann.give(film, text="watch this [[see]]")
    await ann.done(1)
    (answer,) = ann.texts
    assert shape(answer, ["watch this [[see]]"]) is Shape.WHOLE, answer
    assert "could not be fetched: it is larger than 64 KB" in " ".join(answer.split())
    assert "I was given nothing but text." in answer
    assert given(ann.stage, film.content) == []


async def test_files_of_the_agent_arrive_with_their_content(ann, tmp_path):
    asked = "write [[file report.txt]] and [[file plot.png]] and paint [[image]] it"
    ann.say(asked)
    await ann.done(1)
    words = [one for one in ann.texts if "You said" in one]
    assert len(words) == 1
    assert shape(words[0], [asked]) is Shape.WHOLE, words
    report = (tmp_path / make(str(tmp_path), "report.txt", None)).read_bytes()
    sent = ann.files
    assert sorted(len(one.content) for one in sent) == sorted([len(report), len(picture()), len(picture())])
    assert {one.content for one in sent} == {report, picture()}
    if ann.special.shows_names:
        assert {"report.txt", "plot.png"} <= {one.name for one in sent}
    assert not any("](" in text for text in words), "nobody can follow a link to a file of the agent"


async def test_one_that_is_too_large_to_send_is_told_of(ann):
    ann.say("write [[file heap.bin 65k]] it")
    await ann.done(1)
    assert ann.files == []
    assert "heap.bin" in " ".join(ann.texts)
    assert any("too large" in text for text in ann.texts), ann.texts
