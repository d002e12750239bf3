"""An agent's permissions as buttons in the chat, on each platform: real gateway, real agent, real SDKs.

One gateway serves all three platforms and every chat here, each with a person of its own; only the kill has
gateways of its own.
"""

import pytest
import pytest_asyncio

from adapters.emulators.control import ControlError
from tests.harness.stage import open_stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLATFORMS = ("telegram", "discord", "slack")
WORK = "bake a cake [[ask]]"
STEP = "a step that needs permission"
ASKS = f"demo asks for permission to run a command: {STEP}"
VOID = f"The gateway was restarted, so this question is void: {STEP}"
AGENTS = {
    "hasty": {"permission_timeout": "1s"},
    "allow": {"permissions": "allow"},
    "deny": {"permissions": "deny"},
}
TESTS = 7
"""Tests of each platform. The config names who may speak, so their people are there before the gateway."""

MINE = "session_id IN (SELECT id FROM sessions WHERE chat = ?)"
OWED = f"""SELECT (SELECT count(*) FROM messages WHERE state = 'waiting' AND {MINE})
 + (SELECT count(*) FROM turns WHERE state = 'running' AND {MINE})
 + (SELECT count(*) FROM deliveries WHERE state IN ('pending', 'sending', 'unknown') AND {MINE})"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory):
    """A stage with a running gateway, and the people of each platform whom nobody has met yet."""
    async with open_stage(tmp_path_factory.mktemp("house"), *PLATFORMS) as stage:
        demo = stage.values["agents"]["demo"]
        guests = {one: [stage.chat("Ann", one) for _ in range(TESTS)] for one in PLATFORMS}
        allowed = [f"{one}:{ann.person}" for one, anns in guests.items() for ann in anns]
        stage.configure(
            agents={name: {**demo, **keys} for name, keys in AGENTS.items()},
            access={"default": "deny", "allow": allowed},
        )
        await stage.start()
        yield stage, guests


@pytest.fixture(params=PLATFORMS)
def platform(request):
    return request.param


@pytest.fixture
def stage(house):
    return house[0]


@pytest.fixture
def ann(house, platform):
    return house[1][platform].pop()


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


def name(chat):
    """What Ann is called who pressed a button: Slack tells her user name then, not the one that is shown."""
    return "ann" if chat.playground.platform == "slack" else "Ann"


def states(stage, chat):
    """What became of every question in a chat, oldest first."""
    return [
        state
        for (state,) in stage.ledger.rows(f"SELECT state FROM approvals WHERE {MINE} ORDER BY id", chat.id)
    ]


async def settled(stage, chat):
    """Wait until nothing waits, runs or is still to be sent in a chat."""
    await stage.knows(lambda ledger: not ledger.one(OWED, *[chat.id] * 3), f"nothing owed in {chat.id}")


async def served_by(stage, chat, agent):
    """Choose who answers in a chat."""
    chat.say(f"/agent {agent}")
    await stage.shows(chat, "answers here")


@pytest.mark.parametrize(
    ("label", "done", "answer", "state"),
    [("Allow", "Allowed", "given", "allowed"), ("Refuse", "Refused", "refused", "refused")],
)
async def test_a_person_decides(stage, ann, label, done, answer, state):
    ann.say(WORK)
    asked = await question(stage, ann)
    assert (asked.text, asked.labels) == (ASKS, ("Allow", "Refuse"))
    ann.playground.press(ann.person, ann.id, asked.id, label)
    await stage.shows(ann, f"Permission was {answer}.")
    await settled(stage, ann)
    assert now(ann, asked) == (f"{done} by {name(ann)}: {STEP}", ())
    with pytest.raises(ControlError):
        ann.playground.press(ann.person, ann.id, asked.id, label)
    assert states(stage, ann) == [state]


async def test_nobody_decides_in_time(stage, ann):
    await served_by(stage, ann, "hasty")
    ann.say(WORK)
    asked = await question(stage, ann)
    await stage.shows(ann, "Permission was refused.")
    await settled(stage, ann)
    assert now(ann, asked) == (f"Not answered in time, so it was refused: {STEP}", ())
    assert states(stage, ann) == ["expired"]


async def test_law_03_a_restart_voids_the_question_before_peoples_eyes_and_asks_anew(tmp_path):
    """On all platforms at once."""
    async with open_stage(tmp_path, *PLATFORMS) as stage:
        anns = [stage.chat("Ann", one) for one in PLATFORMS]
        gateway = await stage.start()
        for ann in anns:
            ann.say(WORK)
        first = {ann: await question(stage, ann) for ann in anns}
        await stage.knows(
            lambda ledger: not ledger.one("SELECT count(*) FROM deliveries WHERE state <> 'sent'"),
            "sent questions",
        )
        await gateway.kill()
        await stage.start()
        for ann in anns:
            await answered_anew(stage, ann, first[ann])
        assert stage.ledger.resumes == len(anns)


async def answered_anew(stage, ann, first):
    """After a restart: the first question is void, a second one is open, and is answered."""
    await stage.shows(ann, VOID)
    assert now(ann, first) == (VOID, ())
    second = await question(stage, ann)
    assert second.id != first.id
    ann.playground.press(ann.person, ann.id, second.id, "Allow")
    await stage.shows(ann, "Permission was given.")
    await settled(stage, ann)
    assert (now(ann, first), now(ann, second)) == ((VOID, ()), (f"Allowed by {name(ann)}: {STEP}", ()))
    assert states(stage, ann) == ["void", "allowed"]


async def test_law_10_a_stop_withdraws_the_question(stage, ann):
    ann.say(WORK)
    asked = await question(stage, ann)
    ann.say("/stop")
    await stage.shows(ann, "Stopped.")
    await settled(stage, ann)
    assert now(ann, asked) == (f"No longer open: {STEP}", ())
    assert states(stage, ann) == ["void"]
    assert not any("Permission was" in line.text for line in ann.replies)
    await stage.ask(ann, "good day")


async def test_a_strangers_press_does_nothing(stage, ann):
    play = ann.playground
    eve = play.person("Eve")
    ann.id = play.channel(ann.person, eve)
    seen = len(stage.gateway.log.entries)
    play.say(ann.person, ann.id, WORK, mention=True)
    asked = await question(stage, ann)
    play.press(eve, ann.id, asked.id, "Allow")
    await stage.gateway.logged("message.refused", after=seen)
    assert states(stage, ann) == ["pending"]
    assert now(ann, asked) == (ASKS, ("Allow", "Refuse"))
    play.press(ann.person, ann.id, asked.id, "Refuse")
    await stage.shows(ann, "Permission was refused.")
    await settled(stage, ann)
    assert now(ann, asked) == (f"Refused by {name(ann)}: {STEP}", ())
    assert states(stage, ann) == ["refused"]


@pytest.mark.parametrize(("policy", "answer"), [("allow", "given"), ("deny", "refused")])
async def test_where_the_config_decides_nobody_is_asked(stage, ann, policy, answer):
    await served_by(stage, ann, policy)
    (told,) = ann.replies
    ann.say(WORK)
    await stage.shows(ann, f"Permission was {answer}.")
    await settled(stage, ann)
    assert len(ann.replies) == 2
    assert ann.replies[0] == told
    assert states(stage, ann) == []
