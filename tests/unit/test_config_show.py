"""`carryon config show`: what counts, where it comes from, and nothing that is secret."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from gateway import cli
from gateway.config.file import load

FILE = """\
state_dir: ./state
accounts:
  telegram: {platform: telegram, token: "${TOKEN}", api_url: "http://me:planted-word@127.0.0.1:8081/x"}
  slack: {platform: slack, bot_token: xoxb-planted, app_token: "xapp-${file:./secret}"}
agents:
  demo:
    command: [carryon-demo-agent, --key, "${file:secret}", "--for=${NOBODY:-me}", --as=planted-env, http://me:planted-pw@h/?key=planted]
    env: {API_KEY: planted-env, EMPTY: "", SHORT: "planted"}
    idle_timeout: 900
    mode: careful
  gem:
    preset: gemini
    options: {model: "${MODEL}"}
    env: {GEMINI_CLI_NO_RELAUNCH: planted}
  claude:
    preset: claude
    env: {ANTHROPIC_API_KEY: planted-1, CLAUDE_CODE_OAUTH_TOKEN: planted-2}
default_agent: demo
access:
  allow: ["telegram:12345", "telegram:${ME}"]
  default:  deny
sessions: {idle_reset: off}
limits: {messages_per_user: 20/60s}
log:
  level: ${LEVEL:-info}
  format: &json json
http: {listen: null, token: planted-http-token-0}
store: {url: "postgresql://u:planted-db@h/d"}
media: {max_size: 1048576, retention: 36h}
"""
ENVIRON = {
    "TOKEN": "123456:planted-token",
    "ME": "42",
    "MODEL": "planted-model",
    "LEVEL": "",
    "CARRYON__shutdown__drain_timeout": "45s",
    "CARRYON__agents__demo__env__MORE": "planted-more",
}
Show = Callable[..., str]


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_text("planted-in-a-file\n")
    (tmp_path / "gateway.yaml").write_text(FILE)
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)

    def run(*args: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["carryon", "config", "show", "-c", "gateway.yaml", *args])
        with pytest.raises(SystemExit) as ended:
            sys.exit(cli.main())
        out, err = capsys.readouterr()
        assert "planted" not in out + err
        return ended.value.code or 0, out, err

    return run


@pytest.fixture
def show(run: Callable[..., tuple[int, str, str]]) -> Show:
    def show(*args: str) -> str:
        code, out, err = run(*args)
        assert (code, err) == (0, "")
        return out

    return show


def origins(out: str) -> dict[str, str]:
    """Each line's key and value, and the comment behind it."""
    lines = [line.strip().partition(" # ") for line in out.splitlines() if " # " in line]
    return {said: origin for said, _, origin in lines}


def at(written: str) -> str:
    """Where a value stands in the file."""
    assert FILE.count(written) == 1, written
    before = FILE[: FILE.index(written)]
    return f"gateway.yaml:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def test_everything_that_counts_with_its_origin(show: Show, tmp_path: Path) -> None:
    found = origins(show("--effective"))
    for said, origin in {
        f"state_dir: {tmp_path}/state": at("./state"),
        "bot_token: (secret)": at("xoxb-planted"),
        "app_token: (secret)": at('"xapp-') + " via file ./secret",
        "api_url: http://***@127.0.0.1:8081/x": at('"http://me:planted-word'),
        "rate_limits: platform": "default",
        "API_KEY: (secret)": at("planted-env, EMPTY"),
        "EMPTY: ''": at('"", SHORT'),
        "MORE: (secret)": "environment CARRYON__agents__demo__env__MORE",
        "command: [carryon-demo-agent, --key, (secret), (secret), --as=(secret), http://***@h/?key=***]": (
            at("[carryon-demo") + " via file secret, the default of ${NOBODY}"
        ),
        "command: [gemini, --acp]": "preset gemini",
        "start_timeout: 1m": "preset gemini",
        "start_timeout: 30s": "default",
        "quiet_time: 1s": "preset gemini",
        "GEMINI_CLI_NO_RELAUNCH: (secret)": at("planted}\n  claude"),
        "DISABLE_AUTOUPDATER: '1'": "preset claude",
        "model: (secret)": at('"${MODEL}"') + " via ${MODEL}",
        f"cwd: {tmp_path}/state/workspaces/{{session}}": "default",
        "allow: [telegram:12345, telegram:42]": at('["telegram:12345') + " via ${ME}",
        "idle_reset: off": at("off}"),
        "messages_per_user: 20/1m": at("20/60s"),
        "drain_timeout: 45s": "environment CARRYON__shutdown__drain_timeout",
        "level: info": at("${LEVEL:-info}") + " via the default of ${LEVEL}",
        "format: json": at("&json"),
        "listen: null": at("null"),
        "max_size: 1MB": at("1048576"),
        "retention: 36h": at("36h"),
        "otlp: null": "default",
    }.items():
        assert said in found, said
        assert found[said] == origin, said


def test_keys_that_somebody_wrote_in_plain_are_not_shown(show: Show, tmp_path: Path) -> None:
    command = "command: [carryon-demo-agent, --api-key=planted-1, --token, planted-2, -v, sk-planted-3456]"
    text = FILE.replace('{model: "${MODEL}"}', "{model: sk-planted-7890, size: big}")
    before = text[text.index("command: ") : text.index("\n    env: {API_KEY")]
    (tmp_path / "gateway.yaml").write_text(text.replace(before, command))
    found = origins(show())
    assert "command: [carryon-demo-agent, --api-key=(secret), --token, (secret), -v, (secret)]" in found
    assert {"model: (secret)", "size: big"} <= found.keys()


def test_a_variable_that_yields_to_another_does_not_count(show: Show) -> None:
    out = show("--effective", "agents.claude.env")
    assert "CLAUDE_CODE_OAUTH_TOKEN" in out
    assert "ANTHROPIC_API_KEY" not in out


def test_only_what_differs_unless_all_is_asked_for(show: Show) -> None:
    out = show()
    for usual in (
        "state_dir",
        "rate_limits",
        "idle_timeout",
        "idle_reset",
        "messages_per_user",
        "level",
        "default:",
    ):
        assert usual not in out, usual
    for said in (
        "platform: telegram",
        "token: (secret)",
        "preset: gemini",
        "default_agent: demo",
        "format: json",
    ):
        assert said in out, said
    assert "preset gemini" not in out
    assert len(show("--effective").splitlines()) > 2 * len(out.splitlines())


@pytest.mark.parametrize("args", [(), ("--effective",)])
def test_it_is_yaml_of_the_same_values(show: Show, args: tuple[str, ...]) -> None:
    out = show(*args)
    found: dict[str, Any] = YAML(typ="safe", pure=True).load(out)
    assert found["access"]["allow"] == ["telegram:12345", "telegram:42"]
    assert found["shutdown"]["drain_timeout"] == "45s"
    assert found["agents"]["demo"]["env"]["EMPTY"] == ""
    assert out == show(*args)


def test_what_is_shown_may_be_read_again(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    before = load(Path("gateway.yaml"), ENVIRON)
    text = (
        run("--effective")[1]
        .replace("=(secret)", "=me")
        .replace("(secret)", '"${S}"')
        .replace("http://***@", "http://")
    )
    tokens = {'bot_token: "${S}"': "bot_token: xoxb-1", 'app_token: "${S}"': "app_token: xapp-1"}
    for old, new in tokens.items():
        text = text.replace(old, new)
    (tmp_path / "again.yaml").write_text(text.replace("postgresql://**********", "sqlite"))
    after = load(tmp_path / "again.yaml", {"S": "123456:sixteen-and-more"})
    for section in (
        "access",
        "sessions",
        "resume",
        "limits",
        "delivery",
        "media",
        "log",
        "shutdown",
        "state_dir",
    ):
        assert getattr(after, section) == getattr(before, section), section
    assert after.agents["demo"].idle_timeout == 900


def test_json(show: Show) -> None:
    rows = {row["key"]: row for row in json.loads(show("--effective", "--json"))}
    assert rows["log.level"] == {
        "key": "log.level",
        "value": "info",
        "origin": "file",
        "where": "gateway.yaml:25:10",
        "via": ["the default of ${LEVEL}"],
        "default": True,
    }
    assert (rows["shutdown.drain_timeout"]["origin"], rows["shutdown.drain_timeout"]["where"]) == (
        "environment",
        "CARRYON__shutdown__drain_timeout",
    )
    assert (rows["agents.gem.quiet_time"]["origin"], rows["agents.gem.quiet_time"]["default"]) == (
        "preset",
        False,
    )
    assert (rows["sessions.busy"]["origin"], rows["sessions.busy"]["where"]) == ("default", None)
    assert rows["accounts.telegram.token"]["value"] == "(secret)"
    assert rows["http.listen"]["value"] is None


def test_keys(show: Show, run: Callable[..., tuple[int, str, str]]) -> None:
    assert [row["key"] for row in json.loads(show("--json", "log", "access.allow"))] == [
        "access.allow",
        "log.format",
        "log.level",
        "log.keep",
    ]
    assert show("sessions.busy") == "sessions:\n  busy: queue # default\n"
    code, out, err = run("lgo")
    assert (code, out) == (2, "")
    assert 'there is no lgo in the config; did you mean "log"?' in err
    code, _, err = run("sess")
    assert code == 2
    assert "did you mean" in err
    assert "\x1b" not in run("\x1b[2J")[2]


def test_nothing_moves_the_terminal(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOVE", "\x1b[2J\u202e\x9b1m")
    text = FILE.replace("mode: careful", 'mode: "\\e[2J\\u202e"').replace("--key", '"${MOVE}"')
    (tmp_path / "gateway.yaml").write_text(text)
    for args in ((), ("--effective",), ("--json",)):
        out = run(*args)[1]
        assert all(char.isprintable() or char == "\n" for char in out)
    assert json.loads(run("--json", "agents.demo.mode")[1])[0]["value"] == "\x1b[2J\u202e"


def test_a_config_with_problems_is_not_shown(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    (tmp_path / "gateway.yaml").write_text(FILE + "zzz: planted\n")
    code, out, err = run("--effective")
    assert (code, out) == (78, "")
    assert err.startswith("carryon: gateway.yaml:30:1: zzz: unknown key")
