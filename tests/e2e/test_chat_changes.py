"""Messages that people change or take back while they wait, and the signs at them, on each platform.

One gateway for what needs no kill, and one kill for all platforms at once.
"""

import pytest
import pytest_asyncio

from adapters.discord.signs import SIGNS as DISCORD
from adapters.emulators.faults import When
from adapters.slack.receipts import SIGNS as SLACK
from adapters.telegram.outgoing import SIGNS as TELEGRAM
from gateway.model.delivery import Receipt
from tests.e2e.chatting import PLATFORMS, Talk
from tests.harness.stage import open_stage

SIGNS = {
    "telegram": {Receipt(name): sign for name, sign in TELEGRAM.items()},
    "discord": DISCORD,
    "slack": SLACK,
}
LONG = "dig a hole [[tool spade 10m]]"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory):
    async with open_stage(tmp_path_factory.mktemp("house"), *PLATFORMS) as opened:
        opened.configure(delivery={"receipts": "reactions"})
        await opened.start()
        yield opened


@pytest.fixture(params=PLATFORMS)
def platform(request):
    return request.param


async def bears(talk, message, *receipts):
    """Wait until a message bears just these signs."""
    wanted = [SIGNS[talk.platform][one] for one in receipts]
    await talk.sees(lambda: talk.signs(message) == wanted, f"the signs {wanted} at {message}")


async def busy(talk):
    """The agent is at work on something that only a stop ends."""
    talk.say(LONG)
    await talk.in_tool("spade")


async def stopped(talk):
    talk.say("/stop")
    await talk.reads("Stopped")


@pytest.mark.asyncio(loop_scope="module")
async def test_what_waits_is_answered_as_it_was_changed(house, platform):
    ann = Talk.new(house, platform)
    await busy(ann)
    changed, last = ann.say("bake a cake"), ann.say("and serve tea")
    await ann.heard(3)
    ann.special.change(ann.chat.person, ann.chat.id, changed, "bake a pie")
    await ann.became("waiting", "bake a pie")
    await stopped(ann)
    await ann.reads("and serve tea")
    await ann.settled()
    assert sum("bake a pie" in one for one in ann.texts) == 1
    assert not any("bake a cake" in one for one in ann.texts)
    await bears(ann, changed, Receipt.DONE)
    await bears(ann, last, Receipt.DONE)


@pytest.mark.parametrize("platform", ["discord", "slack"])  # Telegram tells bots of no deletion
@pytest.mark.asyncio(loop_scope="module")
async def test_what_was_taken_back_is_not_answered(house, platform):
    ann = Talk.new(house, platform)
    await busy(ann)
    gone = ann.say(f"write a poem on {platform}")
    ann.say("and serve tea")
    await ann.heard(3)
    ann.special.take_back(ann.chat.person, ann.chat.id, gone)
    await ann.became("withdrawn", f"write a poem on {platform}")
    await stopped(ann)
    await ann.reads("and serve tea")
    await ann.settled()
    assert not any("poem" in one for one in ann.texts)
    assert house.memory.heard(f"write a poem on {platform}") == 0


@pytest.mark.asyncio(loop_scope="module")
async def test_signs_tell_how_far_a_message_has_come(house, platform):
    ann = Talk.new(house, platform)
    message = ann.say("bake a cake [[ask]]")
    question = await ann.sees(lambda: next((one for one in ann.shown if one.labels), None), "a question")
    await bears(ann, message, Receipt.ACCEPTED)
    ann.chat.playground.press(ann.chat.person, ann.chat.id, question.id, "Allow")
    await bears(ann, message, Receipt.DONE)
    failing = ann.say("fall over [[fail]]")
    await bears(ann, failing, Receipt.FAILED)
    command = ann.say("/help")
    await ann.reads("This bot passes")
    await ann.settled()
    assert ann.signs(command) == []


async def test_the_sign_that_it_is_done_comes_in_spite_of_a_kill(tmp_path):
    """Killed at work, and with the sign on its way, before and after it took effect."""
    async with open_stage(tmp_path, *PLATFORMS) as stage:
        stage.configure(delivery={"receipts": "reactions"})
        gateway = await stage.start()
        messages = {}
        for when in (None, When.BEFORE, When.AFTER):
            for platform in PLATFORMS:
                ann = Talk.new(stage, platform)
                if when is None:
                    messages[ann] = ann.say("dig a hole [[tool spade 60s]]")
                    await ann.in_tool("spade")
                    continue
                held = ann.hold(ann.special.react, when, skip=1)
                messages[ann] = ann.say("good morning")
                await ann.held(held)
        for ann, message in messages.items():
            if not any("good morning" in one for one in ann.texts):
                await bears(ann, message, Receipt.ACCEPTED)
        await gateway.kill()
        # What is said meanwhile is answered together with what was cut short.
        later = {ann: ann.say("and serve tea") for ann in messages if "good morning" not in ann.chat.asked}
        await stage.start()
        for ann, message in [*messages.items(), *later.items()]:
            await bears(ann, message, Receipt.DONE)
            await ann.settled()
            answers = [one for one in ann.texts if "good morning" in one or "dig a hole" in one]
            assert len(answers) == 1, answers
