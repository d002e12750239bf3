"""Tells on the screen what the chats show while it happens."""

from adapters.emulators.events import Event
from gateway.demo.screen import Screen, Tone
from gateway.demo.stage import SPOKEN, Stage

_SHOWN = frozenset({*SPOKEN, "action"})


class Narrator:
    """What is said in the chats of the people that it knows, and what others have to say between it."""

    def __init__(self, stage: Stage, screen: Screen) -> None:
        self._stage = stage
        self._screen = screen
        self._people: dict[tuple[str, str], str] = {}
        self._told = 0  # events up to this one are on the screen
        self._typing: set[tuple[str, str]] = set()  # chats in which that was said already

    def know(self, platform: str, chat: str, who: str) -> None:
        """The person whose chat this is."""
        self._people[platform, chat] = who

    def asked(self, platform: str, chat: str) -> None:
        """The bot may begin to type again."""
        self._typing.discard((platform, chat))

    def tell(self, who: str, what: str, tone: Tone = Tone.PLAIN, where: str = "") -> None:
        """What was said before comes before."""
        self._catch_up()
        self._screen.tell(who, what, tone, where)

    async def run(self) -> None:
        """Tell, until cancelled."""
        while True:
            self._catch_up()
            await self._stage.events.changed()

    def _catch_up(self) -> None:
        new = self._stage.events.since(self._told, _SHOWN)
        self._told = self._stage.events.seq
        for event in new:
            self._show(event)

    def _show(self, event: Event) -> None:
        where = str(event.data["platform"])
        place = where, str(event.data["chat"])
        if place not in self._people:
            return
        to = f"bot -> {self._people[place]}"
        if event.kind == "action":
            if place not in self._typing:
                self._typing.add(place)
                self._screen.tell(to, "(is typing)", where=where)
        elif event.data["from_bot"] and event.data["text"]:  # Discord's notice of a new thread has no text
            self._typing.discard(place)
            grown = "(now reads) " if event.kind == "edit" else ""
            self._screen.tell(to, f"{grown}{event.data['text']}", Tone.BOT, where)
