"""The tutorial, followed to the letter."""

import re

import pytest

from tests.docs.reading import Reader
from tests.docs.world import world
from tests.helpers.sources import ROOT


async def the_code_in_the_chat(place):
    shown = await place.control("shown?chat=1001")
    (code,) = re.findall(r"approve (\w{4}-\w{4})", shown[-1]["text"])
    return {"CODE": code}


@pytest.mark.timeout(400)
async def test_every_step_of_the_tutorial(tmp_path):
    async with world(tmp_path) as place:
        reader = Reader(place, {"^carryon pair approve CODE": the_code_in_the_chat})
        await reader.read(ROOT / "docs" / "tutorial.md")
        assert not reader.problems, "\n".join(reader.problems)
        assert reader.count > 40
