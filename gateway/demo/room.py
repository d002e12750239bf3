"""What the page shows: one person, a direct chat and a channel on each platform, and what happens in them.

Everything that a browser has to know is in `news`, in order; one that comes late, or comes back, is given
`snapshot` first.
"""

import asyncio
import re
import time
from dataclasses import asdict

from adapters.emulators.events import Event, EventLog, JsonObject
from adapters.emulators.playground import Shown
from gateway.demo.doings import Doing, Doings
from gateway.demo.echo import Count, Place, Said, count
from gateway.demo.keeper import Keeper, Phase
from gateway.demo.premises import Premises
from gateway.demo.stage import SPOKEN, Stage

PERSON = "Sam"
DIRECT, CHANNEL = "direct", "channel"

_LOOK = 0.2  # seconds between two looks at the ledger
_SETTLED = 5.0  # seconds after which a message is in the ledger if it ever will be
_LINES = 400  # of the timeline that a late browser is given
_MENTION = re.compile(r"<@!?\w+>")


class Room:
    """The page's side of the demo."""

    def __init__(self, stage: Stage, premises: Premises) -> None:
        self._stage = stage
        self._began = time.monotonic()
        self._people: dict[str, str] = {}
        self._places: dict[tuple[str, str], Place] = {}
        self._shown: dict[Place, dict[str, Shown]] = {}
        self._said: list[Said] = []
        self._lines: list[JsonObject] = []
        self._typing: set[Place] = set()
        self._growing: dict[tuple[Place, str], JsonObject] = {}
        self._written: dict[str, JsonObject] = {}
        self._count = Count()
        self._ready_at = float("inf")
        self._doings = Doings(premises.ledger)
        self.news = EventLog()
        self.keeper = Keeper(premises, stage, self._tell_of_gateway)
        for platform in stage.platforms:
            person = self._people[platform] = stage[platform].person(PERSON)
            self._places[platform, DIRECT] = (platform, stage[platform].direct(person))
            self._places[platform, CHANNEL] = (platform, stage[platform].channel(person))
        self._shown.update({place: {} for place in self._places.values()})
        self._heard = stage.events.seq

    async def run(self) -> None:
        """Follow everything, until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._stage.follow(group)
            group.create_task(self._follow(), name="chats")
            group.create_task(self._read(), name="ledger")
            group.create_task(self.keeper.run(self._status_changed), name="keeper")

    def person(self, platform: str) -> str:
        """The person's id there."""
        return self._people[platform]

    # What people do. Each raises ControlError for what nobody could do.

    def say(self, platform: str, where: str, thread: str, text: str) -> None:
        """The person writes; in a channel to the bot, or on in a thread."""
        place = self._places[platform, where]
        playground = self._stage[platform]
        message = playground.say(
            self._people[platform],
            place[1],
            text,
            thread=thread,
            mention=where == CHANNEL and not thread,
        )
        self._said.append(Said(place, PERSON, text, self._stage.said(*place, message).at))
        self._recount()

    def press(self, platform: str, where: str, message: str, label: str) -> None:
        """The person presses a button."""
        place = self._places[platform, where]
        self._stage[platform].press(self._people[platform], place[1], message, label)
        self._line(platform, PERSON, f"presses “{label}”", "person")

    def snapshot(self) -> JsonObject:
        """All that there is to see."""
        return {
            "messages": [
                _message(place, where, one)
                for (_, where), place in self._places.items()
                for one in self._shown[place].values()
            ],
            "lines": self._lines[-_LINES:],
            "status": self._status(),
            "count": asdict(self._count),
        }

    # What happens.

    async def _follow(self) -> None:
        while True:
            new = self._stage.events.since(self._heard)
            self._heard = self._stage.events.seq
            for event in new:
                self._hear(event)
            await self._stage.events.changed()

    def _hear(self, event: Event) -> None:
        platform = str(event.data["platform"])
        place = platform, str(event.data["chat"])
        if place not in self._shown:
            return
        where = next(where for (_, where), known in self._places.items() if known == place)
        if event.kind == "action":
            self._type(place, where)
            return
        if event.kind in SPOKEN:
            self._narrate(event, place, where)
        elif event.kind in {"ephemeral", "interaction_answer", "callback_answer"} and event.data.get("text"):
            self._line(platform, "bot", f"to {PERSON} alone: {event.data['text']}", "bot")
        self._refresh(place, where)

    def _type(self, place: Place, where: str) -> None:
        self.news.emit("typing", {"platform": place[0], "place": where})
        if place not in self._typing:
            self._typing.add(place)
            self._line(place[0], "bot", "shows that it is at work", "bot")

    def _narrate(self, event: Event, place: Place, where: str) -> None:
        text = _MENTION.sub("@bot", str(event.data["text"]))
        if not text:
            return
        if not event.data["from_bot"]:
            self._typing.discard(place)
            self._line(place[0], PERSON, f"writes{_in(where)}: {_short(text)}", "person")
            return
        key = place, str(event.data["message_id"])
        if event.kind == "message":
            line = self._line(place[0], "bot", f"answers{_in(where)}: {_short(text)}", "bot")
            self._growing[key] = line
        elif key in self._growing:
            line = self._growing[key]
            line["edits"] = int(str(line.get("edits", 0))) + 1
            line["text"] = f"answers{_in(where)}: {_short(text)}"
            self.news.emit("line", line)

    def _refresh(self, place: Place, where: str) -> None:
        before = self._shown[place]
        now = {one.id: one for one in self._stage[place[0]].shown(place[1])}
        self._shown[place] = now
        for gone in before.keys() - now.keys():
            self.news.emit("gone", {"platform": place[0], "place": where, "id": gone})
        for one in now.values():
            if before.get(one.id) != one:
                self.news.emit("message", _message(place, where, one))
        self._recount()

    # The gateway.

    async def _read(self) -> None:
        while True:
            for doing in self._doings.look():
                self._write_down(doing)
            self._recount()
            await asyncio.sleep(_LOOK)

    def _write_down(self, doing: Doing) -> None:
        line = self._written.get(doing.about)
        if line is None:
            line = self._line(doing.platform, "ledger", doing.text, doing.tone)
            if doing.about:
                self._written[doing.about] = line
            return
        line.update(text=doing.text, tone=doing.tone)
        self.news.emit("line", line)

    def _tell_of_gateway(self, platform: str, text: str, tone: str) -> None:
        self._line(platform, "gateway", text, tone or "gateway")

    def _status(self) -> JsonObject:
        keeper = self.keeper
        return {"phase": str(keeper.phase), "pid": keeper.pid, "accounts": dict(keeper.accounts)}

    def _status_changed(self) -> None:
        if self.keeper.phase is not Phase.UP:
            self._ready_at = float("inf")
        elif self._ready_at == float("inf"):
            self._ready_at = time.monotonic()
        self.news.emit("status", self._status())

    def start(self) -> bool:
        """Start the gateway; all three tell whether it made sense."""
        return self._did(self.keeper.start())

    def kill(self) -> bool:
        """SIGKILL."""
        return self._did(self.keeper.kill())

    def stop(self) -> bool:
        """SIGTERM."""
        return self._did(self.keeper.stop())

    def _did(self, sensible: bool) -> bool:
        self._status_changed()
        return sensible

    # The count.

    def _recount(self) -> None:
        replies = [reply for place in self._shown for reply in self._stage.replies(*place)]
        found = count(self._said, replies, self._owing)
        if found != self._count:
            self._count = found
            self.news.emit("count", asdict(found))

    def _owing(self, place: Place) -> bool:
        """Whether the gateway may still have something to say there.

        It may while it is down, and as long as a message could be on its way. After that its ledger is taken
        at its word: what it does not know any more, and has not answered, is lost.
        """
        last = max((one.at for one in self._said if one.place == place), default=0.0)
        return time.monotonic() < max(last, self._ready_at) + _SETTLED or place in self._doings.owing

    def _line(self, platform: str, who: str, text: str, tone: str) -> JsonObject:
        line: JsonObject = {
            "number": len(self._lines),
            "at": round(time.monotonic() - self._began, 1),
            "platform": platform,
            "who": who,
            "text": text,
            "tone": tone,
        }
        self._lines.append(line)
        self.news.emit("line", line)
        return line


def _message(place: Place, where: str, one: Shown) -> JsonObject:
    return {
        "platform": place[0],
        "place": where,
        "id": one.id,
        "thread": one.thread,
        "bot": one.from_bot,
        "text": _MENTION.sub("@bot", one.text),
        "edits": one.edits,
        "labels": list(one.labels),
    }


def _in(where: str) -> str:
    return " in the channel" if where == CHANNEL else ""


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 90 else f"{line[:89]}…"
