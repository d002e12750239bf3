"""The cases of the crash matrix: what a chat is in the middle of when the gateway dies.

Most cases of one platform share one death, because chats do not disturb each other. Tools take a minute, so
that only a kill ends them, and are not run again by what continues the turn. No two cases use the same words.
"""

from dataclasses import dataclass, field

from adapters.emulators.faults import FaultKind, When
from tests.harness.chat import Chat
from tests.harness.stage import Stage

TELEGRAM = "telegram"


@dataclass(frozen=True, slots=True)
class Case:
    """What is said before the kill, what has come of it by then, and what is said while no gateway runs.

    `tool` runs; `shown` can be read; the platform holds, before or after its effect, the call that says
    `held`; the message of a growing answer is `owed` and not tried. Without any of these all is answered.

    `doubtful` is the request whose answer nobody can be sure of where the platform cannot be asked: on
    Telegram it is repeated with a label.
    """

    name: str
    says: tuple[str, ...]
    tool: str = ""
    shown: str = ""
    held: str = ""
    when: When = When.BEFORE
    owed: bool = False
    later: tuple[str, ...] = ()
    inside: bool = False
    channel: bool = False
    doubtful: int | None = None


AFTER, BEFORE = When.AFTER, When.BEFORE
CASES = (
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
        if self.case.held:
            self.fault = self.stage.fault(
                FaultKind.HOLD, "*", self.case.when, chat=self.chat.id, text=self.case.held
            )
        for text in self.case.says:
            self.chat.say(text)

    async def reach(self) -> None:
        """Wait until the moment has come."""
        case, stage = self.case, self.stage
        if case.tool:
            await stage.in_tool(case.tool)
        if case.shown:
            await stage.shows(self.chat, case.shown)
        if self.fault is not None:
            await stage.held(self.fault)
        if case.owed:
            await stage.knows(lambda ledger: ledger.one(OWED, self.chat.id) > 0, "an opening that is owed")
        if not (case.tool or case.held):
            for text in case.says:
                await stage.answered(self.chat, text)

    def go_on(self) -> None:
        """Say what is said while no gateway runs."""
        for text in self.case.later:
            self.chat.say(text, inside=self.case.inside)

    @property
    def labelled(self) -> list[str]:
        """The request whose answer bears a label."""
        doubtful = self.case.doubtful
        return [] if doubtful is None or self.stage.account != TELEGRAM else [self.case.says[doubtful]]

    async def end(self) -> str:
        """See it through; what is wrong with it."""
        await self.stage.heard(self.chat)
        try:
            self.chat.check(labelled=self.labelled)
            assert self.chat.in_order, f"out of order:\n{self.chat}"
            if self.case.tool:
                ran = self.stage.memory.ran(self.case.tool)
                assert ran == 1, f"the tool {self.case.tool} ran {ran} times"
        except AssertionError as error:
            return f"[{self.case.name}] {error}"
        return ""
