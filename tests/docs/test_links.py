"""Links lead to files and headings that there are, and every page can be found."""

import re
from urllib.parse import unquote

import pytest
from ruamel.yaml import YAML

from tests.docs import papers
from tests.helpers.sources import ROOT


@pytest.mark.parametrize("page", papers.pages(), ids=papers.name)
def test_links_lead_somewhere(page):
    wrong = []
    for line, target in papers.links(page):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = unquote(target).partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or ROOT not in (there, *there.parents):
            wrong.append(f"{papers.name(page)}:{line}: there is no {path}")
        elif anchor and anchor not in papers.anchors(there):
            wrong.append(f"{papers.name(page)}:{line}: {path or 'the page'} has no heading for #{anchor}")
    assert not wrong, "\n".join(wrong)


def named(nav):
    for one in nav:
        for value in one.values() if isinstance(one, dict) else [one]:
            yield from named(value) if isinstance(value, list) else [value]


def test_the_site_has_every_page():
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    found = list(named(YAML(typ="safe").load(text)["nav"]))
    assert len(found) == len(set(found))
    inside = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert inside <= set(found)
    assert all((ROOT / name).is_file() for name in set(found) - inside)


def test_the_readme_leads_to_every_page():
    reached = {target.partition("#")[0] for _, target in papers.links(ROOT / "README.md")}
    pages = {papers.name(page) for page in papers.pages() if papers.name(page).startswith("docs/")}
    assert pages - reached <= {"docs/index.md"}
