"""Imports go one way. The contracts stand in pyproject.toml; this runs them."""

import subprocess
import sys

from tests.helpers.sources import ROOT, dotted, name_of, sources, within

TEST_ROOTS = {"tests", "bench"}


def test_the_import_contracts_hold():
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]
    done = subprocess.run(
        [*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_product_knows_nothing_of_its_tests():
    import ast  # noqa: PLC0415

    for path in sources("gateway", "adapters"):
        for _, node in within(path):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            elif isinstance(node, ast.Call) and dotted(node.func) == "__import__":
                names = ["tests"]
            assert not {name.split(".")[0] for name in names} & TEST_ROOTS, name_of(path)
