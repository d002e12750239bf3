"""What the pages name by its name is there: keys of the config, metrics, lines of the log, exit codes."""

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from gateway.config.models import Config
from gateway.console.metrics import METRICS
from gateway.errors import LedgerDamaged, LedgerUnavailable, SchemaTooNew, StateLocked, UpgradeBlocked
from gateway.model.delivery import Delivery
from tests.docs import papers
from tests.helpers.sources import ROOT
from tools import reference

ACTIONS = set(re.findall(r"^\| `([a-z_.]+)` \|", reference.log_page(), re.MULTILINE))
KEYS = set(re.findall(r"^\| `([\w.*]+)` \|", reference.config_page(), re.MULTILINE))
FIELDS = {f"delivery.{one}" for one in Delivery.__slots__}
"""Of the value that adapters are given."""

SECTIONS = {*Config.model_fields} - {"default_agent", "state_dir"}


def is_key(name):
    """Whether a name is a key, or a section, of accounts and agents by any name."""
    path = re.sub(r"^(accounts|agents)\.[\w*-]+", r"\1.*", name)
    return path in KEYS or any(one.startswith(f"{path}.") for one in KEYS)


def spans(page):
    return [(f"{papers.name(page)}:{line}", text) for line, text in papers.spans(page)]


@pytest.mark.parametrize("page", papers.pages(), ids=papers.name)
def test_what_is_named_is_there(page):
    wrong = []
    for place, text in spans(page):
        name = re.split(r"[: =]", text)[0]
        if re.fullmatch(r"[a-z_]+(\.[a-z_*X]+)+", name) and name.split(".")[0] in SECTIONS:
            if not is_key(name) and name not in ACTIONS | FIELDS:
                wrong.append(f"{place}: {name} is no key")
        elif re.fullmatch(r"carryon_[a-z_]+", name) and name not in METRICS:
            wrong.append(f"{place}: {name} is no metric")
    code = [*spans(page), *((block.place, block.text) for block in papers.blocks(page))]
    wrong += [
        f"{place}: {action} is no line of the log"
        for place, text in code
        for action in re.findall(r"(?:--action|action=) ?'?([a-z_.*]+)'?", text)
        if not any(fnmatch(one, action) for one in ACTIONS)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "page", [page for page in papers.pages() if page.name in {"diagnose.md", "monitor.md", "postgres.md"}],
    ids=papers.name,
)  # fmt: skip
def test_lines_of_the_log_that_are_named_are_written(page):
    """On these pages a pair of words with a dot between them is a line of the log, or a key."""
    for place, text in spans(page):
        if re.fullmatch(r"[a-z_]+\.[a-z_]+", text) and not re.search(r"\.(md|db|yaml|log)$", text):
            assert text in ACTIONS or is_key(text), f"{place}: {text}"


@pytest.mark.parametrize(
    "name", ["config_page", "commands_page", "metrics_page", "log_page", "exit_codes_page"]
)
def test_the_reference_is_what_the_code_says(name):
    path = ROOT / "docs" / "reference" / f"{name.removesuffix('_page').replace('_', '-')}.md"
    assert path.read_text(encoding="utf-8") == getattr(reference, name)(), "run `make format`"


def test_what_errors_say_is_what_the_page_quotes():
    """The table of what keeps a gateway from starting, word by word."""
    text = (ROOT / "docs" / "diagnose.md").read_text(encoding="utf-8")
    table = text.partition("| it says |")[2].partition("## ")[0]
    place = Path("state")
    said = [
        StateLocked(place, 4242),
        SchemaTooNew(9, 7),
        UpgradeBlocked(place, 9, 7, "no room"),
        LedgerDamaged(place, "not a database"),
        LedgerUnavailable("no room"),
    ]
    quoted = re.findall(r"^\| `(.*?)`", table, re.MULTILINE)[1:]
    for error, words in zip(said, quoted, strict=True):
        assert all(part.strip() in str(error) for part in words.split("…")), f"{words}: {error}"
        assert re.search(rf"{re.escape(words)}` \| {error.exit_code} ", table)
