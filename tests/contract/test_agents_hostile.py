"""Every way in which the hostile agent misbehaves is written down, and some test has to face it."""

import ast
from pathlib import Path

import pytest

from tests.contract.agent_fixtures.ways import WAYS


def strings(path: Path) -> set[str]:
    """The texts in a file that stand for themselves."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


SUITES = [path for path in Path(__file__).parent.glob("test_agents_*.py") if path != Path(__file__)]


@pytest.mark.parametrize("way", WAYS)
def test_some_test_faces_each_way(way: str) -> None:
    assert any(way in strings(path) for path in SUITES)
