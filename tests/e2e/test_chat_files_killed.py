"""SIGKILL while files are on their way: the agent gets each once, and people get each once, or are told."""

from dataclasses import dataclass

import pytest

from adapters.emulators.faults import When
from adapters.labels import REPEAT_LABEL
from tests.contract.particulars import SentFile
from tests.e2e.chatting import DOWNLOADS, PLATFORMS, Talk, digest, given
from tests.harness.stage import open_stage

FORGIVING = {"breaker": {"boots": 100}}
MAKES = "write [[file report.txt]] it"


@dataclass(frozen=True, slots=True)
class Copies:
    """How often a file is to be seen, with and without the label of a possible repeat."""

    plain: int
    labelled: int = 0


def after(talk, *, arrived):
    """What there is to be once the gateway is back, of a file that had or had not arrived."""
    if talk.platform == "telegram":
        return Copies(int(arrived), 1)
    return Copies(1)


def copies(talk):
    labelled = sum(REPEAT_LABEL.strip() in one.text for one in talk.files)
    return Copies(len(talk.files) - labelled, labelled)


def notes(talk):
    """A file like no other."""
    return SentFile("notes.bin", "application/octet-stream", f"notes in {talk.chat.id}".encode())


def saw(talk):
    """How often the agent told that it has the file."""
    return sum(digest(notes(talk).content) in one for one in talk.texts)


@pytest.mark.slow
async def test_killed_while_platforms_keep_it_waiting(tmp_path):
    """On all platforms at once: a download, and an upload before and after its effect."""
    async with open_stage(tmp_path, *PLATFORMS) as stage:
        gateway = await stage.start()
        fetching, sending, sent = ([Talk.new(stage, platform) for platform in PLATFORMS] for _ in range(3))
        for ann in fetching:
            held = ann.hold(DOWNLOADS[ann.platform], chat=None)
            ann.give(notes(ann), text="look [[see]]")
            await ann.held(held)
        for when, talks in ((When.BEFORE, sending), (When.AFTER, sent)):
            for ann in talks:
                # There, words and files are sent by the same call, the words first.
                held = ann.hold(ann.special.upload, when, skip=int(ann.platform == "discord"))
                ann.say(MAKES)
                await ann.held(held)
        assert stage.memory.heard("look") == 0
        await gateway.kill()

        await stage.start()
        for ann in (*fetching, *sending, *sent):
            await ann.done(1)
        for ann in fetching:
            await ann.reads(digest(notes(ann).content))
            await ann.settled()
            assert saw(ann) == 1, ann.texts
            assert len(given(stage, notes(ann).content)) == 1
        for ann in sending:
            assert copies(ann) == after(ann, arrived=False), ann.platform
        for ann in sent:
            assert copies(ann) == after(ann, arrived=True), ann.platform
        assert stage.ledger.resumes == len(fetching)


@dataclass(frozen=True, slots=True)
class Death:
    """A gateway that dies of what one person does, at its `times`-th coming to a failpoint.

    Before, it comes there for what the one before it left.
    """

    failpoint: str
    times: int
    platform: str


DEATHS = (
    Death("outbox.claimed", 2, "telegram"),
    Death("outbox.claimed", 3, "discord"),
    Death("outbox.sent", 3, "slack"),
    Death("media.written", 1, "discord"),
    Death("media.fetched", 2, "telegram"),
)


@pytest.mark.slow
async def test_killed_at_each_place_on_the_way_of_a_file(tmp_path):
    """Each gateway sees through what the one before it left, and is killed by the next person's file."""
    async with open_stage(tmp_path, *PLATFORMS) as stage:
        stage.configure(resume=FORGIVING)
        talks = [Talk.new(stage, death.platform) for death in DEATHS]
        for number, (death, ann) in enumerate(zip(DEATHS, talks, strict=True)):
            gateway = await stage.start(failpoint=f"{death.failpoint}:{death.times}")
            await gateway.ready(*PLATFORMS)
            if number:
                await through(talks[number - 1], DEATHS[number - 1])
            if death.failpoint.startswith("outbox"):
                ann.say(MAKES)
            else:
                ann.give(notes(ann), text="look [[see]]")
            await gateway.killed()
        await stage.start()
        await through(talks[-1], DEATHS[-1])
        for ann, death in zip(talks, DEATHS, strict=True):
            check(ann, death)


async def through(talk, death):
    """Wait until all is done about what somebody's gateway had died of."""
    await talk.done(1)
    if death.failpoint.startswith("media"):
        await talk.reads(digest(notes(talk).content))
        await talk.settled()
    check(talk, death)


def check(talk, death):
    if death.failpoint.startswith("media"):
        assert saw(talk) == 1, talk.texts
        assert len(given(talk.stage, notes(talk).content)) == 1
    else:
        assert copies(talk) == after(talk, arrived=death.failpoint == "outbox.sent"), death
        assert sum("You said: write it" in " ".join(one.split()) for one in talk.texts) == 1, talk.texts
