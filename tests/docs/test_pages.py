"""Every command of every page is typed, in order, in a world where it means something."""

import pytest

from tests.docs import papers, ward
from tests.docs.reading import Reader
from tests.docs.world import world
from tests.helpers.sources import ROOT

APART = {"docs/tutorial.md", "docs/emulator.md", "README.md"}
"""Pages that are read in a particular place: the first has a test of its own, the others begin this one."""

PREPARATIONS = {
    r"^carryon restore FILE": ward.backup,
    r"^carryon backup --list FILE": ward.backup,
    r"before-0007": ward.kept_copy,
    r"^carryon restore": ward.stopped,
    r"^carryon undrain": ward.waiting_for_a_turn,
    r"^carryon pair (list|approve CODE)": ward.code,
    r"^carryon pair revoke": ward.let_in,
    r"^carryon sessions (show|suspend) ID": ward.session,
    r"--session ID": ward.session,
    r"^carryon sessions (resume|reset) ID": ward.suspended,
    r"^carryon deliveries (retry|drop) ID": ward.held,
    r"^carryon (?!--config|check|config|restore|init|run)": ward.running,
    r"^curl .*8787": ward.running,
}
CONFIG = """
delivery: {on_unknown: hold}
shutdown: {drain_timeout: 1s}
"""


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_every_command_of_every_page(tmp_path):
    async with world(tmp_path) as place:
        here = ward.checkout(place)
        reader = Reader(place, {}, once=True)
        place.go(here)
        reader.prepare({r"PERSON|CHAT": ward.slack_ids})
        await reader.read(ROOT / "docs" / "emulator.md")
        await place.stop_gateway()

        place.go(here)
        (here / "token").write_text(ward.TOKEN)
        init = "carryon init gateway.yaml --yes --platform telegram --token-file token --admin telegram:1001"
        await ward.succeeds(place, f"{init} --api-url telegram=http://127.0.0.1:8081")
        with (here / "gateway.yaml").open("a") as file:
            file.write(CONFIG)
        reader.prepare({r"^carryon pair approve CODE": ward.code})
        await reader.read(ROOT / "README.md")
        await ward.write(place, "Hello")
        await ward.answered(place, "You said: Hello")

        reader.prepare(PREPARATIONS)
        for page in papers.pages():
            if papers.name(page) not in APART:
                place.go(here, CARRYON_CONFIG=str(here / "gateway.yaml"))
                await reader.read(page)
        assert not reader.problems, "\n".join(reader.problems)
        assert reader.count > 55
