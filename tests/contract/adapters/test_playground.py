"""What the suite itself stands on: emulators that are played alike, and no platform that it knows by name."""

from pathlib import Path

from adapters.emulators.client import EmulatorControl
from adapters.registry import PLATFORMS


async def test_a_thread_is_opened_from_another_process(at):
    channel = at.channel()
    async with EmulatorControl(at.emulator.base_url) as control:
        made = await control.request("POST", "thread", person=at.ann, chat=channel)
    said = at.say("inside", channel, thread=made["id"])
    at.say("outside", channel)
    assert at.play.shown(channel, made["id"])[-1].id == said


def test_a_new_platform_changes_nothing_here():
    texts = {
        path.name: path.read_text(encoding="utf-8").lower() for path in Path(__file__).parent.glob("*.py")
    }
    assert len(texts) > 10
    assert [(name, one) for name, text in texts.items() for one in PLATFORMS if one in text] == []
