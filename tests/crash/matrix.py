"""The cases of the crash matrix: what a chat is in the middle of when the gateway dies.

Most cases of one platform share one death, because chats do not disturb each other. Tools take a minute, so
that only a kill ends them, and are not run again by what continues the turn. No two cases use the same words.
"""

from dataclasses import dataclass, field
from enum import Enum, auto

from adapters.emulators.faults import FaultKind, When
from adapters.emulators.playground import Shown
from gateway.engine.replies import WHOLE
from gateway.rules.progress import WORKING
from tests.contract.particulars import SentFile
from tests.harness.chat import Chat
from tests.harness.stage import Stage

TELEGRAM = "telegram"
DOWNLOADS = {"telegram": "downloadFile", "discord": "getAttachment", "slack": "url_private"}
DONE = {"telegram": "👍", "discord": "✅", "slack": "white_check_mark"}
"""The sign at a message that was answered."""


class Aim(Enum):
    """A call that has no words: what brings a file, or a sign, or gets a file that somebody sent."""

    UPLOAD = auto()
    SIGN = auto()
    DOWNLOAD = auto()


STEP = "a step that needs permission"
ASKS = f"demo asks for permission to run a command: {STEP}"
VOID = f"The gateway was restarted, so this question is void: {STEP}"
ALLOWED = "Allowed by"


@dataclass(frozen=True, slots=True)
class Case:
    """What is said before the kill, what has come of it by then, and what is said while no gateway runs.

    `tool` runs; `shown` can be read; the platform holds, before or after its effect, the call that says
    `held`, or that `aim` means; the message of a growing answer is `owed` and not tried; the agent `asks`.
    Without any of these all is answered. `gives` is the file that comes along with what is said first.

    `doubtful` is the request whose answer nobody can be sure of where the platform cannot be asked: on
    Telegram it is repeated with a label, as an uploaded file is. `whole` is an answer that is sent as one.
    """

    name: str
    says: tuple[str, ...]
    tool: str = ""
    shown: str = ""
    held: str = ""
    aim: Aim | None = None
    when: When = When.BEFORE
    asks: bool = False
    gives: str = ""
    whole: bool = False
    owed: bool = False
    later: tuple[str, ...] = ()
    inside: bool = False
    channel: bool = False
    doubtful: int | None = None


AFTER, BEFORE = When.AFTER, When.BEFORE
CASES = (
    Case("fetches", ("keep this for me",), gives="kept.csv", aim=Aim.DOWNLOAD),  # the first to fetch anything
    Case("fetches later", ("[[tool plane 60s]] shave this",), gives="plank.csv", tool="plane"),
    Case(
        "is given and grows",
        ("say cut [[tool lathe 60s]] and turned", "then paint it"),
        gives="bowl.csv",
        tool="lathe",
        shown="say cut",
    ),
    Case("file sent", ("draw a map [[file map.csv 2k]]",), aim=Aim.UPLOAD, when=AFTER),
    Case("file not sent", ("draw a plan [[file plan.csv 2k]]",), aim=Aim.UPLOAD, later=("and thanks",)),
    Case(
        "file sent of a growing answer",
        ("say ink [[sleep 2s]] [[file ink.csv]]",),
        aim=Aim.UPLOAD,
        when=AFTER,
    ),
    Case("makes a file", ("say hay [[tool rake 60s]] [[file hay.csv]]",), tool="rake", shown="say hay"),
    Case("whole not sent", ("recite [[long 40000]]",), aim=Aim.UPLOAD, whole=True),
    Case("asks", ("bake a pie [[ask]]",), asks=True),
    Case("asks and is written to", ("bake a bun [[ask]]",), asks=True, later=("are you there",)),
    Case("signs", ("sign this",), aim=Aim.SIGN),
    Case("signed", ("sign that",), aim=Aim.SIGN, when=AFTER),
    Case("works", ("[[tool oven 60s]] bake a cake",), tool="oven"),
    Case("works in a channel", ("[[tool kiln 60s]] fire a pot",), tool="kiln", channel=True),
    Case(
        "a queue waits",
        ("[[tool press 60s]] peel the apples", *(f"queue {n}x" for n in range(5))),
        tool="press",
        later=("the end of the queue",),
    ),
    Case("sent", ("good morning",), held="good morning", when=AFTER, doubtful=0),
    Case("sent in a channel", ("good day",), held="good day", when=AFTER, doubtful=0, channel=True),
    Case("not sent", ("good evening",), held="good evening", doubtful=0),
    Case("not sent in a channel", ("good night",), held="good night", doubtful=0, channel=True),
    Case("down", ("we know each other",), later=("while you were away", "and once more")),
    Case("down in a channel", ("we met here",), later=("who is there",), channel=True),
    Case("down in a thread", ("we began here",), later=("let us go on",), inside=True, channel=True),
    Case("has no words yet", ("[[tool anvil 60s]] forge a nail",), tool="anvil", shown=WORKING),
    Case(
        "has no words yet and is written to",
        ("[[tool wheel 60s]] throw a jug",),
        tool="wheel",
        shown=WORKING,
        later=("and a lid",),
    ),
    Case("shows its step", ("say wool [[tool comb 60s]] and flax",), tool="comb", shown="⚙"),
    Case("grows", ("say plums [[tool mill 60s]] and pears",), tool="mill", shown="say plums"),
    Case(
        "grows in a channel",
        ("say figs [[tool loom 60s]] and dates",),
        tool="loom",
        shown="say figs",
        channel=True,
    ),
    Case(
        "grows and is written to",
        ("say leeks [[tool forge 60s]] and beans",),
        tool="forge",
        shown="say leeks",
        later=("and something else",),
    ),
    Case("opened", ("say rye [[tool scale 60s]] and oats",), held="say rye", when=AFTER, doubtful=0),
    Case("not opened", ("say salt [[tool churn 60s]] and oil",), held="say salt", doubtful=0),
    Case(
        "to be opened",
        ("a word before", "say tea [[tool still 60s]] and milk"),
        held="a word before",
        owed=True,
        doubtful=0,
    ),
    Case("ended", ("say elm [[sleep 2s]] and oak",), held="and oak"),
    Case("ended in a channel", ("say ash [[sleep 2s]] and yew",), held="and yew", channel=True),
    Case("edited", ("say one [[sleep 2s]] and two",), held="and two", when=AFTER),
)
OWED = "SELECT count(*) FROM deliveries WHERE kind = 'stream' AND state = 'pending' AND chat = ?"


@dataclass(slots=True)
class Scene:
    """A case as it is played on a stage."""

    case: Case
    stage: Stage
    chat: Chat
    fault: int | None = field(default=None)

    @classmethod
    def of(cls, case: Case, stage: Stage) -> "Scene":
        """A new chat for it."""
        return cls(case, stage, stage.chat(channel=case.channel))

    def begin(self) -> None:
        """Say what is said before the kill."""
        case, chat = self.case, self.chat
        if case.held:
            self.fault = self.stage.fault(FaultKind.HOLD, "*", case.when, chat=chat.id, text=case.held)
        elif case.aim is not None:
            self._hold(case.aim)
        for number, text in enumerate(case.says):
            if case.gives and not number:
                chat.give(SentFile(case.gives, "text/csv", _content(case)), text)
            else:
                chat.say(text)

    def _hold(self, aim: Aim) -> None:
        """A sign is that of the end; it follows the one for having been accepted."""
        special, platform = self.chat.special, self.chat.playground.platform
        if aim is Aim.DOWNLOAD:
            self.fault = self.stage.fault(FaultKind.HOLD, DOWNLOADS[platform], self.case.when)
            return
        method = special.upload if aim is Aim.UPLOAD else special.react
        skip = int(aim is Aim.SIGN or method == self.chat.playground.methods.send)  # the answer comes first
        self.fault = self.stage.fault(FaultKind.HOLD, method, self.case.when, chat=self.chat.id, skip=skip)

    async def reach(self) -> None:
        """Wait until the moment has come."""
        case, stage = self.case, self.stage
        if case.asks:
            await self._question()
        if case.tool:
            await stage.in_tool(case.tool)
        if case.shown:
            await stage.shows(self.chat, case.shown)
        if self.fault is not None:
            await stage.held(self.fault)
        if case.owed:
            await stage.knows(lambda ledger: ledger.one(OWED, self.chat.id) > 0, "an opening that is owed")
        if not (case.tool or case.held or case.aim or case.asks):
            for text in case.says:
                await stage.answered(self.chat, text)

    async def _question(self) -> Shown:
        """Wait for the agent's question; the message with the buttons."""
        chat = self.chat

        def asked() -> Shown | None:
            return next((one for one in chat.playground.shown(chat.id) if one.text == ASKS), None)

        return await self.stage.until(chat.playground.events.until(asked), f"a question in {chat.id}")

    async def attend(self) -> None:
        """Answer what the agent asks anew."""
        if not self.case.asks:
            return
        await self.stage.shows(self.chat, VOID)
        question = await self._question()
        self.chat.playground.press(self.chat.person, self.chat.id, question.id, "Allow")

    def go_on(self) -> None:
        """Say what is said while no gateway runs."""
        for text in self.case.later:
            self.chat.say(text, inside=self.case.inside)

    @property
    def labelled(self) -> list[str]:
        """The request whose answer bears a label."""
        doubtful = self.case.doubtful
        return [] if doubtful is None or self.stage.account != TELEGRAM else [self.case.says[doubtful]]

    def _check(self) -> None:
        case, chat = self.case, self.chat
        chat.check(labelled=self.labelled, notices=(VOID, ALLOWED) if case.asks else ())
        assert chat.in_order, f"out of order:\n{chat}"
        doubtful = case.aim is Aim.UPLOAD and self.stage.account == TELEGRAM
        more = [WHOLE] if case.whole else []
        made = [one.name for one in chat.special.files(chat.id)]
        chat.check_files(*more, repeated=made if doubtful else ())
        done = DONE[chat.playground.platform]
        for asked in chat.asked:
            assert (signs := chat.signs(asked)) == [done], f"{asked!r} has the signs {signs}:\n{chat}"
        if case.tool:
            ran = self.stage.memory.ran(case.tool)
            assert ran == 1, f"the tool {case.tool} ran {ran} times"
        if case.gives:
            given = self.stage.memory.given(case.gives)
            assert [one.read_bytes() for one in given] == [_content(case)], f"the agent was given {given}"

    async def end(self) -> str:
        """See it through; what is wrong with it."""
        await self.stage.heard(self.chat)
        try:
            self._check()
        except AssertionError as error:
            return f"[{self.case.name}] {error}"
        return ""


def _content(case: Case) -> bytes:
    return f"what is in {case.gives}\n".encode() * 50
