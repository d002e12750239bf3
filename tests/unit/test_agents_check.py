"""`carryon agents list`, the warnings about agents, and what the check never lets an agent do."""

import json
import re
import sys
from pathlib import Path

import pytest

from gateway.agents.connection import Abilities
from gateway.agents.presets import PRESETS
from gateway.agents.spec import AgentSpec, PermissionPolicy
from gateway.agents_check import probe, report
from gateway.agents_check.findings import Findings, not_logged_in
from gateway.config.file import read
from gateway.config.models import AgentConfig
from gateway.config_report.warnings import warnings
from tests.harness.settings import merged, settings, write

GUIDE = Path(__file__).parents[2] / "docs" / "agents.md"
NOBODY = "http://127.0.0.1:1"
INSTALL = "npm install -g @google/gemini-cli"
NOWHERE = {
    "preset": "gemini",
    "command": ["no-such-program", "--acp", "${SECRET}"],
    "env": {"PATH": "/nowhere"},
}


def config_of(folder, environ=None, **agents):
    path = write(folder / "gateway.yaml", merged(settings(folder, NOBODY), {"agents": agents}))
    return read(path, {"HOME": str(folder), **(environ or {})})


def test_the_list_tells_what_is_there_and_how_to_install_the_rest(tmp_path):
    config, find = config_of(tmp_path, {"SECRET": "from-the-environment"}, gone=NOWHERE)
    demo, gone = found = report.listed(config, find)
    assert (demo["name"], demo["default"], demo["found"], demo["install"]) == ("demo", True, True, None)
    assert (demo["resume"], demo["permissions"]) == ("native_preferred", "ask")
    assert (gone["preset"], gone["default"], gone["found"], gone["install"]) == (
        "gemini",
        False,
        False,
        INSTALL,
    )
    assert gone["command"] == ["no-such-program", "--acp", "…"]
    text = report.list_text(found)
    assert f"gone: install it with `{INSTALL}`" in text
    assert "from-the-environment" not in text + report.as_json(found)
    head, _, first, second, *_ = text.splitlines()
    assert first[head.index("program") :] == "found"
    assert second[head.index("program") :] == "NOT FOUND"


def test_the_list_names_a_presets_own_command(tmp_path):
    config, find = config_of(tmp_path, gem={"preset": "gemini"})
    assert report.listed(config, find)[1]["command"] == ["gemini", "--acp"]


def test_the_warning_of_a_missing_program_says_how_to_install_it(tmp_path):
    config, find = config_of(tmp_path, {"SECRET": "x"}, gone=NOWHERE, other={"command": ["no-such-program"]})
    first, second, open_to_all = warnings(config, find, {"HOME": str(tmp_path)})
    assert "gone, other run programs" in open_to_all
    assert f"install it with `{INSTALL}`, or write its full path" in first
    assert "install it, or write its full path" in second


def test_the_examples_of_the_guide_can_be_used(tmp_path):
    """And one of them shows every key."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    environ = {"HOME": str(tmp_path), "ANTHROPIC_API_KEY": "k", "GEMINI_API_KEY": "k"}
    shown = set()
    for block in blocks:
        text = block.replace("${file:/run/secrets/anthropic}", "k").partition("default_agent:")[0]
        (name,) = re.findall(r"^  (\w+):", text, re.MULTILINE)
        account = json.dumps(settings(tmp_path, NOBODY)["accounts"])
        (tmp_path / "guide.yaml").write_text(f"accounts: {account}\ndefault_agent: {name}\n{text}")
        config, _ = read(tmp_path / "guide.yaml", environ)
        shown |= config.agents[name].model_fields_set
    assert len(blocks) >= len(PRESETS) + 2
    assert shown == set(AgentConfig.model_fields)


def test_logging_in_is_told_for_each_agent():
    told = {name: not_logged_in(AgentSpec(name, ("x",), preset=name), "").advice for name in PRESETS}
    assert [name for name in told if f"agents.{name}.env" not in told[name]] == []
    assert "`codex login` once by hand" in told["codex"]
    assert "`opencode auth login` once by hand" in told["opencode"]


@pytest.mark.parametrize(("can", "files"), [
    (Abilities(image=True), "takes images; is given links to the rest"),
    (Abilities(image=True, audio=True), "takes images and recordings; is given links to the rest"),
    (Abilities(), "is given links"),
])  # fmt: skip
def test_the_check_tells_which_files_an_agent_takes(tmp_path, can, files):
    config, _ = config_of(tmp_path)
    values = report.checked(config, Findings("demo", abilities=can), ["x"])
    assert (values["takes_images"], values["takes_audio"]) == (can.image, can.audio)
    (line,) = [line for line in report.check_text(values).splitlines() if line.startswith("  files ")]
    assert line.split(maxsplit=1)[1] == files


async def test_what_an_agent_asks_to_be_allowed_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(probe, "TELL", probe.TELL + " [[ask]]")
    home = tmp_path / "demo"
    command = (str(Path(sys.executable).parent / "carryon-demo-agent"),)
    spec = AgentSpec(
        "demo", command, env={"CARRYON_DEMO_HOME": str(home)}, permissions=PermissionPolicy.ALLOW
    )  # fmt: skip
    found = await probe.examine(spec, tmp_path / "check", 60.0, prompting=True)
    assert (found.problem, found.rung) == ("", "native")
    (session,) = (home / "sessions").glob("*.jsonl")
    lines = [json.loads(line) for line in session.read_text().splitlines()]
    assert "Permission was refused." in next(line["text"] for line in lines if line["role"] == "assistant")
    assert list((tmp_path / "check" / "agents" / "processes").iterdir()) == []
