"""The diagrams in the docs are drawn from the tables."""

import pytest

from gateway.model.boot import BOOT_TRANSITIONS
from gateway.model.delivery import DELIVERY_TRANSITIONS
from gateway.model.message import MESSAGE_TRANSITIONS
from gateway.model.permission import APPROVAL_TRANSITIONS
from gateway.model.session import SESSION_TRANSITIONS
from gateway.model.turn import TURN_TRANSITIONS
from tools import diagrams

TABLES = (
    MESSAGE_TRANSITIONS,
    SESSION_TRANSITIONS,
    TURN_TRANSITIONS,
    DELIVERY_TRANSITIONS,
    APPROVAL_TRANSITIONS,
    BOOT_TRANSITIONS,
)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.noun)
def test_every_edge_is_drawn_and_no_other(table):
    first, *lines = diagrams.diagram(table).splitlines()
    assert first == "stateDiagram-v2"
    drawn = {tuple(line.strip().split(" --> ")) for line in lines}
    edges = {(str(before), str(after)) for before, afters in table.edges.items() for after in afters}
    final = {(str(state), "[*]") for state, afters in table.edges.items() if not afters}
    assert drawn == edges | final | {("[*]", str(next(iter(table.edges))))}
    assert len(drawn) == len(lines), "an edge is drawn once"


def test_the_page_is_up_to_date(monkeypatch):
    monkeypatch.setattr("sys.argv", ["diagrams", "--check"])
    assert diagrams.main() == 0


def test_a_stale_page_is_found_out_and_written(monkeypatch, tmp_path, capsys):
    page = tmp_path / "states.md"
    page.write_text("stale")
    monkeypatch.setattr(diagrams, "PAGE", page)
    monkeypatch.setattr("sys.argv", ["diagrams", "--check"])
    assert diagrams.main() == 1
    assert "make format" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["diagrams"])
    assert diagrams.main() == 0
    assert page.read_text() == diagrams.page()
