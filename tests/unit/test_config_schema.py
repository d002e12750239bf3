"""The schema for editors: it marks slips, and nothing that the gateway takes."""

import json
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from adapters.registry import PLATFORMS, manifest
from gateway import cli
from gateway.agents.presets import PRESETS
from gateway.config.file import attempt
from gateway.config.models import AgentConfig, Config
from gateway.config.tree import Branch, Leaf, Node, Row, parse
from gateway.config_report import schema as config_schema
from tests.corpus.mistakes import GOOD, MISTAKES, OUTSIDE
from tests.corpus.mutations import ENVIRON, mutations
from tests.harness.settings import settings
from tests.helpers.sources import ROOT
from tools import schema as tool

SCHEMA = config_schema.schema()
VALIDATOR = Draft202012Validator(SCHEMA)
BASE: dict[str, Any] = {
    "accounts": {
        "telegram": {"platform": "telegram", "token": "1:planted-telegram"},
        "discord": {"platform": "discord", "token": "MTAwMQ.planted.discord"},
        "slack": {"platform": "slack", "bot_token": "xoxb-planted", "app_token": "xapp-planted"},
    },
    "agents": {"demo": {"command": ["x"]}},
    "default_agent": "demo",
}
POOL = re.findall(
    r'"[^"]*"|\{[^}]*\}|\S+',
    """off yes No TRUE on true 0 1 5 1.0 1.5 -1 "5" " 5 " 0x10 5m " 5m " "5 m" 500ms 0s 30 .5 1e3 8d 20mb 1GB
    5KB 20/1m "20 / 1m" 127.0.0.1:80 "[::1]:80" localhost:1 "*" telegram:1 "slack:*" nobody null ~ "" [] {}
    [demo] [5m] {a: b} a$$b $x "${SEVEN}" "${NO:-5m}" "x${TEXT}y" "${file:secret}" 2026-01-01 x:y sqlite
    http://h:1/x ws://h:1 ./x/{session} "${SEVEN" postgresql://u@h/d aaaaaaaaaaaaaaaa 1234567890123456""",
)
REACHED = {"SEVEN": "7", "TEXT": "some text"}


def plain(node: Node | None) -> Any:
    """What an editor sees of a file."""
    match node:
        case Branch():
            return {key: plain(inner) for key, inner in node.entries.items()}
        case Row():
            return [plain(inner) for inner in node.items]
        case Leaf():
            return node.value
        case None:
            return None


def marked(text: str) -> list[str]:
    """What an editor would mark."""
    node, problems = parse(text, "gateway.yaml")
    assert not problems
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(plain(node))]


def fields(model: type[BaseModel], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every key that is no section."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from fields(field.annotation, (*above, name))
        elif (*above, name) not in {("accounts",), ("agents",)}:
            yield (*above, name), field


FIELDS = [
    *fields(Config, ()),
    *fields(AgentConfig, ("agents", "demo")),
    *(pair for name in PLATFORMS for pair in fields(manifest(name).account_model, ("accounts", name))),
]


def test_it_is_a_schema_of_its_draft() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["$id"].startswith("urn:")
    assert SCHEMA["title"] == "Carryon config"


def test_the_file_is_what_the_models_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert (ROOT / "config" / "schema.json").read_text() == config_schema.text() + "\n", (
        "make format writes it"
    )
    monkeypatch.setattr(sys, "argv", ["schema", "--check"])
    assert tool.main() == 0
    monkeypatch.setattr(tool, "PAGE", tmp_path / "schema.json")
    assert tool.main() == 1
    (tmp_path / "schema.json").write_text(config_schema.text())
    assert tool.main() == 1
    monkeypatch.setattr(sys, "argv", ["schema"])
    assert tool.main() == 0
    assert (tmp_path / "schema.json").read_text() == config_schema.text() + "\n"


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["carryon", "config", "schema"])
    with pytest.raises(SystemExit) as ended:
        sys.exit(cli.main())
    assert not ended.value.code
    assert json.loads(capsys.readouterr().out) == SCHEMA


def test_every_key_is_explained_and_closed() -> None:
    for name, part in SCHEMA["$defs"].items():
        if name in {"text", "reference"}:
            continue
        assert part["additionalProperties"] is False, name
        for key, value in part["properties"].items():
            assert value["description"], f"{name}.{key}"
            known = "$ref" in value or "default" in value or key in part["required"]
            assert known, f"{name}.{key} has no default"
    log, agent = SCHEMA["$defs"]["LogConfig"]["properties"], SCHEMA["$defs"]["AgentConfig"]["properties"]
    assert (log["keep"]["default"], log["level"]["default"]) == ("50MB", "info")
    assert (agent["retry_waits"]["default"], agent["idle_timeout"]["default"]) == (
        ["5s", "15s", "30s"],
        "15m",
    )
    assert {one["const"] for one in agent["preset"]["anyOf"] if "const" in one} == set(PRESETS)


@pytest.mark.parametrize(
    "path", sorted([*ROOT.glob("config/*.yaml"), *ROOT.glob("deploy/**/gateway*.yaml")]), ids=str
)
def test_the_configs_that_ship_are_not_marked(path: Path) -> None:
    assert marked(path.read_text()) == []


def test_the_shipped_configs_name_the_schema() -> None:
    for name in ("gateway.yaml", "local.yaml"):
        first = (ROOT / "config" / name).read_text().splitlines()[0]
        assert first == "# yaml-language-server: $schema=schema.json"


def test_what_the_guides_show_is_not_marked() -> None:
    seen = 0
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL):
            node, problems = parse(block, page.name)
            found = plain(node)
            if problems or not isinstance(found, dict) or not set(found) <= set(Config.model_fields):
                continue
            seen += 1
            assert list(VALIDATOR.iter_errors(BASE | found)) == [], f"{page.name}: {block}"
    assert seen >= 12


def test_the_configs_of_tests_are_not_marked(tmp_path: Path) -> None:
    for made in (settings(tmp_path, "http://127.0.0.1:1"), settings(tmp_path, accounts=BASE["accounts"])):
        assert list(VALIDATOR.iter_errors(made)) == []
    assert marked(GOOD) == []


def with_value(place: tuple[str, ...], value: str) -> str:
    """A config with this text at a place. JSON is YAML."""
    whole = json.loads(json.dumps(BASE))
    section = whole
    for step in place[:-1]:
        section = section.setdefault(step, {})
    section[place[-1]] = "@@"
    return json.dumps(whole).replace('"@@"', value)


def choices(annotation: object) -> Iterator[str]:
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    for part in get_args(annotation):
        yield from choices(part)


def test_nothing_is_marked_that_is_taken(tmp_path: Path) -> None:
    chance = random.Random(11)
    (tmp_path / "secret").write_text("from a file")
    file = tmp_path / "gateway.yaml"
    taken = 0
    for place, field in FIELDS:
        own = [json.dumps(one) for one in choices(field.annotation)]
        lists = [f"[{one}]" for one in own[:2]]
        for value in [*own[:2], *lists, *chance.sample(POOL, 5)]:
            text = with_value(place, value)
            file.write_text(text)
            config, _ = attempt(file, REACHED)
            if config is not None:
                taken += 1
                assert marked(text) == [], f"{'.'.join(place)}: {value}"
    assert taken > 80


def test_most_of_what_is_refused_is_marked() -> None:
    """What cannot be seen in the file alone, and the shapes of tokens, are left to the gateway."""
    passed: list[str] = []
    counted = 0
    for name, mistake in MISTAKES.items():
        node, problems = parse(mistake.raw, "gateway.yaml")
        unseen = name.startswith("references") or re.search(
            "token|address|signing|unknown a|same|path|database", name
        )
        if problems or unseen:
            continue
        counted += 1
        if not list(VALIDATOR.iter_errors(plain(node))):
            passed.append(name)
    assert counted > 110
    assert len(passed) <= 8, passed  # bounds that are written out, such as 9999d


def test_slips_that_are_marked_in_the_annotated_config(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    refused = marking = 0
    for slip in mutations(50, seed=3):
        node, problems = parse(slip.text, "gateway.yaml")
        if problems:
            continue
        file.write_text(slip.text)
        errors = list(VALIDATOR.iter_errors(plain(node)))
        if attempt(file, ENVIRON)[0] is None:
            refused += 1
            marking += bool(errors)
        else:
            assert not errors, slip.name
    assert refused > 8
    assert marking >= refused * 0.8


def test_a_reference_may_stand_for_any_value(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    text = with_value(("sessions", "max_queued"), '"${SEVEN}"')
    file.write_text(text)
    config, _ = attempt(file, OUTSIDE | REACHED)
    assert config is not None
    assert config.sessions.max_queued == 7
    for place, field in FIELDS:
        if "tuple" not in str(field.annotation) and "Mapping" not in str(field.annotation):
            assert marked(with_value(place, '"${SEVEN}"')) == [], place
            assert marked(with_value(place, '"${file:/run/secrets/x}"')) == [], place
