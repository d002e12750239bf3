"""An agent's permissions as buttons in the chat, on each platform: real gateway, real agent, real SDKs."""

import pytest

from adapters.emulators.control import ControlError
from tests.harness.stage import open_stage

PLATFORMS = ("telegram", "discord", "slack")
WORK = "bake a cake [[ask]]"
STEP = "a step that needs permission"
ASKS = f"demo asks for permission to run a command: {STEP}"
VOID = f"The gateway was restarted, so this question is void: {STEP}"


@pytest.fixture(params=PLATFORMS)
async def stage(request, tmp_path):
    async with open_stage(tmp_path, request.param) as opened:
        yield opened


async def question(stage, chat):
    """Wait until the bot asks; the message with the buttons."""
    shown = chat.playground.shown

    def asked():
        return next((one for one in shown(chat.id) if one.from_bot and one.labels), None)

    return await stage.until(chat.playground.events.until(asked), f"a question in {chat.id}")


def now(chat, message):
    """A message as it stands: its text and its buttons."""
    (found,) = [one for one in chat.playground.shown(chat.id) if one.id == message.id]
    return found.text, found.labels


def name(stage):
    """What Ann is called who pressed a button: Slack tells her user name then, not the one that is shown."""
    return "ann" if stage.account == "slack" else "Ann"


def states(stage):
    """What became of every question, oldest first."""
    return [state for (state,) in stage.ledger.rows("SELECT state FROM approvals ORDER BY id")]


@pytest.mark.parametrize(
    ("label", "done", "answer", "state"),
    [("Allow", "Allowed", "given", "allowed"), ("Refuse", "Refused", "refused", "refused")],
)
async def test_a_person_decides(stage, label, done, answer, state):
    ann = stage.chat("Ann")
    await stage.start()
    ann.say(WORK)
    asked = await question(stage, ann)
    assert (asked.text, asked.labels) == (ASKS, ("Allow", "Refuse"))
    ann.playground.press(ann.person, ann.id, asked.id, label)
    await stage.shows(ann, f"Permission was {answer}.")
    await stage.settled()
    assert now(ann, asked) == (f"{done} by {name(stage)}: {STEP}", ())
    with pytest.raises(ControlError):
        ann.playground.press(ann.person, ann.id, asked.id, label)
    assert states(stage) == [state]


async def test_nobody_decides_in_time(stage):
    ann = stage.chat("Ann")
    stage.configure(agents={"demo": {"permission_timeout": "1s"}})
    await stage.start()
    ann.say(WORK)
    asked = await question(stage, ann)
    await stage.shows(ann, "Permission was refused.")
    await stage.settled()
    assert now(ann, asked) == (f"Not answered in time, so it was refused: {STEP}", ())
    assert states(stage) == ["expired"]


async def test_law_03_a_restart_voids_the_question_before_peoples_eyes_and_asks_anew(stage):
    ann = stage.chat("Ann")
    gateway = await stage.start()
    ann.say(WORK)
    first = await question(stage, ann)
    await stage.knows(
        lambda ledger: not ledger.one("SELECT count(*) FROM deliveries WHERE state <> 'sent'"),
        "a sent question",
    )
    await gateway.kill()
    await stage.start()
    await stage.shows(ann, VOID)
    assert now(ann, first) == (VOID, ())
    second = await question(stage, ann)
    assert second.id != first.id
    ann.playground.press(ann.person, ann.id, second.id, "Allow")
    await stage.shows(ann, "Permission was given.")
    await stage.settled()
    assert (now(ann, first), now(ann, second)) == ((VOID, ()), (f"Allowed by {name(stage)}: {STEP}", ()))
    assert states(stage) == ["void", "allowed"]
    assert stage.ledger.resumes == 1


async def test_law_10_a_stop_withdraws_the_question(stage):
    ann = stage.chat("Ann")
    await stage.start()
    ann.say(WORK)
    asked = await question(stage, ann)
    ann.say("/stop")
    await stage.shows(ann, "Stopped.")
    await stage.settled()
    assert now(ann, asked) == (f"No longer open: {STEP}", ())
    assert states(stage) == ["void"]
    assert not any("Permission was" in line.text for line in ann.replies)
    await stage.ask(ann, "good day")


async def test_a_strangers_press_does_nothing(stage):
    ann, play = stage.chat("Ann"), stage.playground()
    eve = play.person("Eve")
    ann.id = play.channel(ann.person, eve)
    stage.configure(access={"default": "deny", "allow": [f"{stage.account}:{ann.person}"]})
    gateway = await stage.start()
    play.say(ann.person, ann.id, WORK, mention=True)
    asked = await question(stage, ann)
    play.press(eve, ann.id, asked.id, "Allow")
    await stage.until(gateway.log.until("message.refused"), "the refusal of the stranger")
    assert states(stage) == ["pending"]
    assert now(ann, asked) == (ASKS, ("Allow", "Refuse"))
    play.press(ann.person, ann.id, asked.id, "Refuse")
    await stage.shows(ann, "Permission was refused.")
    await stage.settled()
    assert now(ann, asked) == (f"Refused by {name(stage)}: {STEP}", ())
    assert states(stage) == ["refused"]


@pytest.mark.parametrize(("policy", "answer"), [("allow", "given"), ("deny", "refused")])
async def test_where_the_config_decides_nobody_is_asked(stage, policy, answer):
    ann = stage.chat("Ann")
    stage.configure(agents={"demo": {"permissions": policy}})
    await stage.start()
    ann.say(WORK)
    await stage.shows(ann, f"Permission was {answer}.")
    await stage.settled()
    assert len(ann.replies) == 1
    assert states(stage) == []
