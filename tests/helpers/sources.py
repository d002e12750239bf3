"""The project's own files, for tests that read them."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("gateway", "adapters")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def files() -> tuple[Path, ...]:
    """Every file that belongs to the project: git's word where there is git, else all but hidden folders."""
    asked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if asked.returncode == 0:
        found = [ROOT / name for name in asked.stdout.decode().split("\0") if name]
    else:
        found = [path for path in ROOT.rglob("*") if not _hidden(path.relative_to(ROOT))]
    return tuple(sorted(path for path in found if path.is_file()))


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") or part in ("__pycache__", "state", "build") for part in path.parts)


def sources(*folders: str) -> list[Path]:
    """The Python files under some top-level folders."""
    return [p for p in files() if p.suffix == ".py" and p.relative_to(ROOT).parts[0] in folders]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def within(path: Path) -> tuple[tuple[str, ast.AST], ...]:
    """Every node of a file with the qualified name of the function or class that it stands in."""
    found: list[tuple[str, ast.AST]] = []
    ahead: list[tuple[str, ast.AST]] = [("", ast.parse(path.read_text(encoding="utf-8"), str(path)))]
    while ahead:
        scope, node = ahead.pop()
        for child in ast.iter_child_nodes(node):
            inside = scope
            if isinstance(child, (*FUNCTIONS, ast.ClassDef)):
                inside = f"{scope}.{child.name}" if scope else child.name
            found.append((inside, child))
            ahead.append((inside, child))
    return tuple(found)


def dotted(node: ast.AST) -> str:
    """The name that an expression spells: `asyncio.sleep`."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
