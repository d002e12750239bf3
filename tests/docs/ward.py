"""What the commands of the how-to pages need to be there: a gateway at work, and whatever is to be cured."""

import re
import shutil
from pathlib import Path

from tests.docs.world import World, moment
from tests.harness.waiting import within
from tests.helpers.sources import ROOT

ANN, BEN = 1001, 1002
TOKEN = "123456:local-emulator-takes-any-token"
LINKED = ("adapters", "bench", "deploy", "docs", "gateway", "tests", "tools", "Makefile", "pyproject.toml")


def checkout(place: World) -> Path:
    """A checkout as somebody has it, but with the ports of this world in its configs."""
    folder = place.folder / "checkout"
    folder.mkdir()
    for name in LINKED:
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "config", folder / "config")
    for path in (folder / "config").iterdir():
        path.write_text(place.localized(path.read_text(encoding="utf-8")), encoding="utf-8")
    return folder


async def write(place: World, text: str, person: int = ANN) -> None:
    """Somebody writes to the bot."""
    await place.control("send", user=person, text=text, bot=int(TOKEN.split(":", maxsplit=1)[0]))


async def answered(place: World, words: str, person: int = ANN) -> str:
    """Wait until the bot has said this in somebody's chat; the whole of it."""

    async def look() -> str:
        while True:
            for one in reversed(await place.control(f"shown?chat={person}")):
                if one["from_bot"] and words in one["text"]:
                    return str(one["text"])
            await moment()

    return await within(look(), f"the bot's {words!r}")


async def succeeds(place: World, command: str) -> str:
    """Carry a command out that has to succeed."""
    code, said = await place.type(command)
    assert code == 0, f"{command}: {said}"
    return said


async def slack_ids(place: World) -> dict[str, str]:
    """The person and the chat of Slack's emulator that the page has just made."""
    said = "".join(place.heard)
    person, chat = re.findall(r'"id": "(U\w+)"', said), re.findall(r'"id": "(D\w+)"', said)
    return {"PERSON": (person or [""])[-1], "CHAT": (chat or [""])[-1]}


async def running(place: World) -> dict[str, str]:
    """A gateway that serves: the one before may have been stopped by a command."""
    if not place.gateways:
        await place.type("carryon --config gateway.yaml run")
    return {}


async def stopped(place: World) -> dict[str, str]:
    """No gateway."""
    await place.stop_gateway()
    return {}


async def code(place: World) -> dict[str, str]:
    """Somebody new has asked to be let in."""
    person = (await place.control("users", name="Ben"))["id"]
    await write(place, "Hello", person)
    found = re.search(r"approve (\w{4}-\w{4})", await answered(place, "carryon pair approve", person))
    assert found is not None
    return {"CODE": found[1]}


async def let_in(place: World) -> dict[str, str]:
    """Somebody was let in by a code."""
    given = await code(place)
    said = await succeeds(place, f"carryon pair approve {given['CODE']}")
    person = re.search(r"\((\d+)\)", said)
    assert person is not None
    return {"ACCOUNT:PERSON": f"telegram:{person[1]}"}


async def session(_place: World) -> dict[str, str]:
    """The conversation that is there."""
    return {"ID": "1"}


async def suspended(place: World) -> dict[str, str]:
    """It is suspended."""
    await place.type("carryon sessions suspend 1")
    return {"ID": "1"}


async def held(place: World) -> dict[str, str]:
    """A reply whose connection broke while it was sent, with `delivery.on_unknown: hold`."""
    words = f"Lapwing{len(place.heard)}"
    await place.control("faults", kind="drop", method="sendMessage", when="after", text=words)
    await write(place, words)

    async def look() -> str:
        while True:
            said = (await place.type("carryon deliveries list"))[1]
            if found := re.search(rf"^(\d+) .*held.*{words}", said, re.MULTILINE):
                return found[1]
            await moment()

    return {"ID": await within(look(), "a reply that is held")}


async def backup(place: World) -> dict[str, str]:
    """A backup has been taken."""
    said = await succeeds(place, "carryon backup")
    return {"FILE": said.split(":")[0]}


async def kept_copy(place: World) -> dict[str, str]:
    """The gateway is stopped, and a copy from before an upgrade lies beside the ledger."""
    await place.stop_gateway()
    await succeeds(place, "cp state/ledger.db state/ledger.db.before-0007")
    return {}


async def waiting_for_a_turn(place: World) -> dict[str, str]:
    """The gateway is being drained, and waits for a turn."""
    await write(place, "[[sleep 30s]]")
    await within(glance_at_status(place), "a turn at work")
    await succeeds(place, "(carryon drain --wait 60s >/dev/null 2>&1 &)")
    await within(glance_at_status(place, "stop in at most"), "a drain")
    return {}


async def glance_at_status(place: World, words: str = "running for") -> None:
    while words not in (await place.type("carryon status"))[1]:
        await moment()
