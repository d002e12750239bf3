"""People who give commands in a house, of whom one is an administrator."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from gateway.engine.catalogue import RENEWING
from gateway.engine.commands import Commands
from gateway.model.address import ChatKind
from gateway.model.intake import Accepted
from gateway.model.message import MessageKind, Origin
from gateway.rules.access import AccessPolicy
from tests.helpers.fakes import Answer
from tests.helpers.house import House, access_of, fresh_house
from tests.helpers.ledgers import ACCOUNT, entry

ANN = Origin(ChatKind.DIRECT, "1001", "Ann", "7")
BOB = Origin(ChatKind.DIRECT, "1002", "Bob", "8")
"""The administrator."""


@asynccontextmanager
async def commanded(folder: Path, **more) -> AsyncGenerator[House]:
    """A house in which Bob is an administrator."""
    async with fresh_house(folder, **more) as it:
        reborn(it)
        yield it


def reborn(it: House) -> None:
    """What commands remember is gone, as after a restart."""
    access = access_of(it, AccessPolicy(open_to_all=True, admins=(f"{ACCOUNT}:{BOB.author_id}",)))
    it.commands = Commands(replace(it.commands._parts, access=access))


async def given(it: House, line: str, by: Origin = ANN, **more) -> Accepted:
    """A command that is in the ledger, and that nobody has carried out."""
    command, _, text = line.removeprefix("/").partition(" ")
    event = more.pop("event", None) or f"e{next(it.ledger.events)}"
    entered = entry(text, event, kind=MessageKind.COMMAND, command=command, origin=by, **more)
    entered = replace(entered, renews=command in RENEWING)
    result = await it.ledger.store.accept(ACCOUNT, [entered], [], {}, it.ledger.tick())
    it.outbox.push(result.owed)
    return result.accepted[0]


async def gives(it: House, line: str, by: Origin = ANN, *, idle: bool = False, **more) -> str:
    """A person gives a command; what is said to it, in the end if the agent is to become `idle`."""
    await it.quiet()  # what was said before is no answer
    await it.outbox.empty()
    before = len(it.chat.texts())
    accepted = await given(it, line, by, **more)
    it.commands.carry_out(accepted)
    await answered(it, accepted)
    await (it.idle() if idle else it.outbox.empty())
    return "\n".join(it.chat.texts()[before : before + 1])


async def answered(it: House, accepted: Accepted) -> None:
    """Wait until the answer to a command is in the ledger."""
    while accepted.message_id in {one.message_id for one in await it.ledger.store.waiting_commands(ACCOUNT)}:
        await it.quiet()
    await it.quiet()  # what is in the ledger is queued a moment later


async def dies_after(it: House, line: str, by: Origin = ANN, **more) -> None:
    """A command is carried out, and a crash comes before its answer is in the ledger."""
    await it.commands._answer(await given(it, line, by, **more), again=False)
    reborn(it)


async def says(it: House, text: str) -> int:
    """Something is said and answered; its conversation."""
    await it.hear(text)
    await it.idle()
    return await it.session_of()


async def works(it: House, text: str = "work", *waiting: str):
    """The agent is at work, and more waits; what lets it go on."""
    answer = it.agents.hold()
    await it.hear(text)
    await it.at_work()
    for more in waiting:
        await it.hear(more)
    return answer


def fails(it: House, error) -> None:
    """The next prompt ends like this."""
    it.agents.answers.append(Answer((), error))
