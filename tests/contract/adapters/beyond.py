"""What the suite asks of an emulator that its Playground does not offer.

One entry for each platform, and the only place of the suite that knows any of them by name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Told: TypeAlias = tuple[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Beyond:
    """`thread` opens a thread in a channel, as a person; its id.

    `disown` makes the credentials of these settings unknown to the platform; the settings to use.
    `received` is the event, with its data, by which one sees that a message was acknowledged, None where the
    platform knows no such thing; `relieved` is the same for the press of a button.
    """

    thread: Callable[[Any, str, str], str]
    disown: Callable[[Any, Mapping[str, object]], Mapping[str, object]]
    received: Told | None
    relieved: Told


def _topic(emulator, chat: str, person: str) -> str:
    del person
    return str(emulator.world.add_topic(int(chat)))


def _discord_thread(emulator, chat: str, person: str) -> str:
    return str(emulator.people.add_thread(int(chat), int(person)).id)


def _slack_thread(emulator, chat: str, person: str) -> str:
    return emulator.people.say(person, chat, "a thread begins here").ts


def _zero(_, settings: Mapping[str, object]) -> Mapping[str, object]:
    """A bot's number is never 0."""
    return {**settings, "token": "0:a-token-of-valid-shape"}


def _reset(emulator, settings: Mapping[str, object]) -> Mapping[str, object]:
    emulator.reset_token()
    return settings


def _revoke(emulator, settings: Mapping[str, object]) -> Mapping[str, object]:
    emulator.revoke()
    return settings


BEYOND = {
    "telegram": Beyond(
        _topic,
        _zero,
        ("confirmed", {}),
        ("answered", {"method": "answerCallbackQuery", "outcome": "ok"}),
    ),
    "discord": Beyond(_discord_thread, _reset, None, ("interaction_answer", {})),
    "slack": Beyond(
        _slack_thread,
        _revoke,
        ("acked", {"envelope_kind": "events_api"}),
        ("acked", {"envelope_kind": "interactive"}),
    ),
}
