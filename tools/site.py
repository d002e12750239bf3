"""What `mkdocs build` is told beyond mkdocs.yml (a hook): pages lead to files of the project beside docs/.

A link to such a file leads to a copy of it in the site. A diagram becomes a table, because the script that
would draw it in a browser comes from elsewhere.
"""

import posixpath
import re
from collections import defaultdict
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
PAGES = ("deploy/systemd/README.md",)
"""Pages that lie elsewhere, at the place that they have in the site."""

_LINK = re.compile(r"\]\((?!https?:|#)([^)\s#]*)(#[^)\s]*)?\)")
_DIAGRAM = re.compile(r"```mermaid\n(.*?)```", re.DOTALL)
_NOWHERE = "{nowhere}"
_EDGE = re.compile(r"(\S+) --> (\S+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Pages and files beside docs/ belong to the site."""
    for name in PAGES:
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    for name in sorted(
        {target for file in files if file.is_documentation_page() for target in _outside(file)}
    ):
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page, with links that hold in the site, and tables."""
    del config, files
    name = page.file.src_uri

    def lead(found: re.Match[str]) -> str:
        target = _target(name, found[1])
        if target is None:
            return found[0]
        if (ROOT / target).is_dir():
            inner = f"{target}/README.md"
            if inner not in PAGES:
                return "]" + _NOWHERE
            target = inner
        start = posixpath.dirname(name) or "."
        return f"]({posixpath.relpath(target, start)}{found[2] or ''})"

    text = _LINK.sub(lead, markdown)
    text = re.sub(rf"\[([^\]]*)\]{re.escape(_NOWHERE)}", r"\1", text)
    return _DIAGRAM.sub(lambda found: _table(found[1]), text)


def _outside(file: File) -> set[str]:
    """The files beside docs/ to which a page leads."""
    inside = {*PAGES, *(path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md"))}
    found = (_target(file.src_uri, one[1]) for one in _LINK.finditer(file.content_string))
    return {one for one in found if one is not None and (ROOT / one).is_file()} - inside


def _target(page: str, link: str) -> str | None:
    """Where a link leads, as the site names it; None where it is within the docs anyway."""
    if not link:
        return None
    beside = page in PAGES
    at = posixpath.normpath(posixpath.join(posixpath.dirname(page if beside else f"docs/{page}"), link))
    if at.startswith("docs/"):
        return at.removeprefix("docs/") if beside else None
    return at


def _table(diagram: str) -> str:
    follow: dict[str, list[str]] = defaultdict(list)
    first = ""
    for here, there in _EDGE.findall(diagram):
        if here == "[*]":
            first = there
        else:
            follow[here].append("" if there == "[*]" else f"`{there}`")
    lines = ["| state | may become |", "|---|---|"]
    for state, nexts in follow.items():
        told = ", ".join(one for one in nexts if one) or "nothing: it is final"
        lines.append(f"| `{state}`{' (the first)' if state == first else ''} | {told} |")
    return "\n".join(lines) + "\n"
