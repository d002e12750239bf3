"""How answers come to be seen, on each platform: at once, growing, with progress, in pieces, with a file.

The gateways differ in `delivery`; each serves all platforms, and every test has a chat of its own.
"""

import re
import sys
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.agents.demo_script import long_text
from gateway.engine.replies import GOES_ON, WHOLE
from gateway.rules.markdown import closed
from gateway.rules.progress import WORKING
from tests.e2e.chatting import PLATFORMS, Talk
from tests.harness.stage import open_stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

GROWS = "begin here [[tool oven 1500ms]] and go on [[ask]] to the end"
STEP = "a step that needs permission"
"""The step that is at work for as long as nobody answers."""

ENDED = "You said: begin here and go on to the end I ran oven. Permission was given."
MARKS = ("⚙", "✓", "✗", WORKING, "oven")
VERBATIM = {"command": [sys.executable, str(Path(__file__).with_name("verbatim.py"))]}
RICH = """Here is a plan.

| part | price |
|---|---|
| oven | 12 |

- first
  - deeper
    - deepest
- second

```python
print("done")
```

And [the manual](https://example.org/manual) for **all** of it."""
AS_WRITTEN = (
    '```python\nprint("done")\n```',
    "[the manual](https://example.org/manual)",
    "**all**",
    "- first\n  - deeper\n    - deepest\n- second",
)


def house(**delivery):
    """A stage with a gateway of this delivery."""

    @pytest_asyncio.fixture(scope="module", loop_scope="module")
    async def opened(tmp_path_factory):
        async with open_stage(tmp_path_factory.mktemp("house"), *PLATFORMS) as stage:
            demo = stage.values["agents"]["demo"]
            stage.configure(delivery=delivery, agents={"verbatim": VERBATIM, "demo": demo})
            await stage.start()
            yield stage

    return opened


compact = house(stream="auto")
drafting = house(stream="draft", progress="full")
plainly = house(stream="auto", progress="off", max_messages=4)


@pytest.fixture(params=PLATFORMS)
def platform(request):
    return request.param


@pytest.fixture
def ann(compact, platform):
    return Talk.new(compact, platform)


@pytest.fixture
def gus(compact, platform):
    return Talk.new(compact, platform, "Gus", channel=True)


@pytest.fixture
def bob(drafting, platform):
    return Talk.new(drafting, platform)


@pytest.fixture
def eve(plainly, platform):
    return Talk.new(plainly, platform)


def progress(talk):
    """Where the progress of the answer that grows is seen."""
    found = next((one for one in talk.shown if "begin here" in one.text), None)
    return talk.special.progress(talk.chat.id, found.id, found.thread) if found else ""


def history(talk):
    """Every text that messages of the bot ever had in this chat."""
    events = talk.chat.playground.events.since(0, frozenset({"message", "edit"}))
    found = [one.data for one in events if str(one.data["chat"]) == talk.chat.id and one.data["from_bot"]]
    return [str(one["text"]) for one in found]


def folded(texts):
    return [" ".join(one.split()) for one in texts]


async def allows(talk):
    """Somebody lets the step be done."""
    question = await talk.sees(lambda: next((one for one in talk.shown if one.labels), None), "a question")
    talk.chat.playground.press(talk.chat.person, talk.chat.id, question.id, "Allow")
    await talk.done(1)


async def test_a_short_answer_is_one_plain_send(ann):
    ann.say("good morning")
    await ann.done(1)
    assert history(ann) == ["You said: good morning"]
    assert [one.edits for one in ann.shown] == [0]


async def test_a_long_one_grows_and_shows_the_present_step(ann):
    ann.say(GROWS)
    seen = await ann.sees(lambda: progress(ann) if STEP in progress(ann) else None, "a step at work")
    assert "begin here" in seen
    assert "⚙" in seen
    assert "1 done" in seen
    assert "oven" not in seen
    await allows(ann)
    assert ENDED in folded(ann.texts)
    assert len(ann.texts) == 2


async def test_in_a_group_it_grows_as_well(gus):
    """On Slack and Discord in a thread, where Slack has a way of its own."""
    gus.say(GROWS)
    await gus.sees(lambda: STEP in progress(gus), "a step at work")
    await allows(gus)
    assert [one for one in folded(gus.texts) if "begin here" in one] == [ENDED.replace("said:", "said: Gus:")]
    assert len(gus.texts) == 2
    assert len({one.thread for one in gus.shown}) == 1


async def test_all_steps_are_shown(bob):
    bob.say(GROWS)
    wanted = ("oven", STEP)
    seen = await bob.sees(lambda: all(one in look(bob) for one in wanted) and look(bob), "two steps")
    assert "begin here" in seen
    assert "✓" in seen
    assert "⚙" in seen
    await allows(bob)
    assert look(bob) == progress(bob), "no draft is left"
    assert folded(bob.texts).count(ENDED) == 1
    assert len(bob.texts) == 2


def look(talk):
    """Progress, where there are drafts in one of them."""
    drafts = talk.special.drafts(talk.chat.id) if talk.platform == "telegram" else []
    return drafts[0] if drafts else progress(talk)


@pytest.mark.parametrize("platform", ["telegram"])
async def test_a_draft_vanishes_and_one_message_stands(bob):
    bob.say("begin here [[tool oven 3s]] and end there")
    (seen,) = await bob.sees(lambda: bob.special.drafts(bob.chat.id), "a draft")
    assert "begin here" in seen
    assert "oven" in seen
    assert bob.shown == []
    await bob.done(1)
    assert bob.special.drafts(bob.chat.id) == []
    assert folded(history(bob)) == ["You said: begin here and end there I ran oven."]


async def test_where_steps_are_not_shown_an_answer_grows_without(eve):
    eve.say(GROWS)
    await eve.reads("go on")
    await eve.sees(lambda: [one for one in eve.shown if one.labels], "a question")
    await allows(eve)
    growing = [one for one in folded(history(eve)) if one.startswith("You said") and one != ENDED]
    assert growing
    assert not any(mark in text for text in growing for mark in MARKS)
    assert ENDED in folded(eve.texts)


async def test_markdown_becomes_the_platforms_own(ann):
    ann.say("/agent verbatim")
    await ann.reads("answers here")
    ann.say(RICH)
    await ann.done(1)
    _, answer = ann.shown
    for words in ("part", "price", "oven", "12", "deepest", 'print("done")', "the manual"):
        assert words in answer.text
    assert "|---|" not in answer.text
    if ann.platform == "telegram":
        found = ann.stage.emulator.world.chat(int(ann.chat.id)).messages[int(answer.id)]
        assert {one["type"] for one in found.entities} >= {"pre", "text_link", "bold"}
        assert not re.search(r"```|\*\*|\]\(", answer.text)
    else:
        assert [one for one in AS_WRITTEN if one not in answer.text] == []


async def test_a_long_answer_comes_in_whole_pieces(ann):
    ann.say("all of it [[long 9000]]")
    await ann.done(1)
    pieces = ann.texts
    assert len(pieces) in {"telegram": (3, 4), "discord": range(5, 9), "slack": (1,)}[ann.platform]
    assert all(closed(one) == one for one in pieces)
    numbers = re.findall(r"in part (\d+) of a long answer", "\n".join(pieces))
    assert numbers == [str(number) for number in range(1, len(numbers) + 1)]
    assert len(numbers) > 40
    assert ann.files == []


async def test_a_longer_one_is_a_beginning_and_a_file(eve):
    eve.say("all of it [[long 60000]]")
    await eve.done(1)
    texts = [one for one in eve.texts if one]
    assert len(texts) == 1
    assert texts[0].endswith(GOES_ON)
    assert "in part 1 of a long answer" in texts[0]
    (file,) = eve.files
    assert file.name == WHOLE
    assert file.content.decode() == f"You said: all of it\n\n{long_text(60_000)}".strip()
