"""The restart promise on every platform: nothing lost, doubled or unasked for, in order, and no half answers.

Where a platform can be asked what became of a message, it holds without exception. Telegram cannot be asked:
there a message in doubt is repeated with a label that says so.
"""

import pytest

from adapters.emulators.faults import FaultKind, When
from adapters.registry import PLATFORMS
from gateway.engine.commands import DRAINING
from gateway.engine.drain import CUT_NOTICE
from gateway.model.operation import Intent
from tests.crash.matrix import CASES, TELEGRAM, Aim, Scene
from tests.harness.answers import is_fragment
from tests.harness.stage import open_stage

QUIET = 30
BURST = 5
FORGIVING = {"max_attempts": 100, "concurrency": 20, "breaker": {"boots": 100}}
CUT = CUT_NOTICE[Intent.STOP]
LONG_AGO = "UPDATE deliveries SET claimed_at = claimed_at - 60 WHERE kind = 'file' AND state = 'sending'"

SLOWLY = "[[sleep 1200ms]]"
DEATHS = {
    "stream.opened": "[[tool mill 60s]]",
    "outbox.claimed": SLOWLY,
    "outbox.sent": SLOWLY,
    "outbox.reconciled": SLOWLY,
    "stream.amended": "[[sleep 3s]] that grows [[tool loom 60s]]",
    "resume.scheduled": SLOWLY,
}
"""Each gateway dies here, in its recovery or soon after, while its long answer does this."""


@pytest.fixture(params=PLATFORMS)
async def stage(request, tmp_path):
    async with open_stage(tmp_path, request.param) as opened:
        opened.configure(delivery={"stream": "auto", "max_messages": 2}, resume=FORGIVING)
        yield opened


async def meet(stage, chats):
    """Nobody is new to the bot: of a first word said to it while it is down, Discord tells nothing."""
    for chat in chats:
        chat.say("hello there")
    for chat in chats:
        await stage.answered(chat, "hello there")


@pytest.mark.slow
async def test_killed_in_the_middle_of_everything(stage):
    quiet = [stage.chat() for _ in range(QUIET)]
    others = [stage.chat() for _ in range(BURST)]
    crowded = stage.chat()
    scenes = [Scene.of(case, stage) for case in CASES]
    stage.configure(delivery={"receipts": "reactions"})
    gateway = await stage.start()
    await meet(stage, others)
    for number, chat in enumerate(quiet):
        chat.say(f"quiet {number}x")
    for scene in scenes:
        scene.begin()
        if scene.case.aim is Aim.DOWNLOAD:
            await scene.reach()  # the next download would be held instead
    for scene in scenes:
        await scene.reach()
    for chat in quiet:
        await stage.answered(chat, chat.asked[0])
    for number, chat in enumerate(others):
        chat.say(f"other {number}x")
        crowded.say(f"crowd {number}x")
    await stage.knows(lambda ledger: ledger.heard(crowded.id) or None, "the first of the last messages")
    await gateway.kill()
    for scene in scenes:
        scene.go_on()
    # Slack looks through a file before it shows it, so of a young one nobody knows yet that it never came.
    stage.ledger.edit(LONG_AGO)

    gateway = await stage.start()
    for scene in scenes:
        await scene.attend()
    wrong = [await scene.end() for scene in scenes]
    assert not any(wrong), "\n".join(filter(None, wrong))
    for chat in (*others, crowded):
        await stage.heard(chat)
        chat.check(perhaps=chat.asked if stage.account == TELEGRAM else ())
        assert chat.in_order, str(chat)
    for chat in quiet:
        chat.check()
        assert len(chat.lines) == 2, str(chat)
    assert gateway.running


@pytest.mark.slow
async def test_killed_again_and_again(stage):
    pairs = [(stage.chat(), stage.chat()) for _ in DEATHS]
    chats = [chat for pair in pairs for chat in pair]
    gateway = await stage.start()
    await meet(stage, chats)
    await stage.settled()
    await gateway.kill()
    for number, (failpoint, work) in enumerate(DEATHS.items()):
        gateway = await stage.start(failpoint=failpoint)
        short, long = pairs[number]
        if failpoint == "outbox.reconciled":  # what the death before it left in doubt may be an edit
            stage.fault(FaultKind.DROP, "*", When.AFTER, chat=short.id, text="a short one")
        short.say(f"a short one {number}x")
        long.say(f"a long one {number}x {work} and ends")
        await gateway.killed()

    await stage.start()
    for chat in chats:
        await stage.heard(chat)
    for chat in chats:
        chat.check(perhaps=chat.asked if stage.account == TELEGRAM else ())
        assert chat.in_order, str(chat)
    assert (stage.memory.ran("mill"), stage.memory.ran("loom")) == (1, 1)


async def test_stopped_with_and_without_patience(stage):
    short, long, late = chats = [stage.chat() for _ in range(3)]
    stage.configure(shutdown={"drain_timeout": "0s"})
    gateway = await stage.start()
    await stage.ask(late, "hello there")
    short.say("[[tool oven 60s]] bake a cake")
    long.say("say plums [[tool mill 60s]] and pears")
    await stage.in_tool("oven")
    await stage.shows(long, "say plums")
    assert await gateway.stop() == 0
    assert stage.ledger.stopped_cleanly
    for chat in chats:
        chat.say("meanwhile")

    stage.configure(shutdown={"drain_timeout": "20s"})
    gateway = await stage.start()
    for chat in chats:
        await stage.heard(chat)
    assert is_fragment(long.replies[0].text), str(long)
    long.say("say figs [[sleep 1500ms]] and dates")
    await stage.shows(long, "say figs")
    gateway.terminate()
    await gateway.logged("drain.started")
    late.say("am I too late")
    await stage.shows(late, DRAINING)
    assert await gateway.exited() == 0
    assert len(long.answers("say figs [[sleep 1500ms]] and dates")) == 1
    assert stage.ledger.stopped_cleanly

    await stage.start()
    for chat in chats:
        await stage.heard(chat)
    short.check(notices=[CUT])
    long.check(notices=[CUT])
    late.check(notices=[DRAINING])
    assert all(chat.in_order for chat in chats)
    assert stage.ledger.resumes == 2
