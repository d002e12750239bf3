"""The tutorial, followed to the letter."""

import re

import pytest

from tests.docs.reading import Reader
from tests.docs.world import world
from tests.harness.ledger import Ledger
from tests.harness.waiting import within
from tests.helpers.sources import ROOT


async def the_code_in_the_chat(place):
    shown = await place.control("shown?chat=1001")
    (code,) = re.findall(r"approve (\w{4}-\w{4})", shown[-1]["text"])
    return {"CODE": code}


async def a_message_that_stands(place):
    """Killed while the first message of the answer is under way, the rest would rightly come with a label."""
    ledger = Ledger(place.folder / "home" / "carryon-play" / "state")
    query = "SELECT count(*) FROM deliveries WHERE kind = 'stream' AND state = 'sent'"
    await within(ledger.until(lambda it: it.one(query) > 0 or None), "the message in which the answer grows")
    return {}


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_every_step_of_the_tutorial(tmp_path):
    async with world(tmp_path) as place:
        reader = Reader(
            place, {"^carryon pair approve CODE": the_code_in_the_chat, "^kill -9": a_message_that_stands}
        )
        await reader.read(ROOT / "docs" / "tutorial.md")
        assert not reader.problems, "\n".join(reader.problems)
        assert reader.count > 40
