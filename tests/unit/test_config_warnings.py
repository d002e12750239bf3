"""What `carryon check` finds odd about a config that can be used, and not a word where all is well."""

import re
from pathlib import Path

import pytest

from gateway.config.file import attempt
from gateway.config_report.warnings import oddities, warnings

FINE = """\
state_dir: ./state
accounts:
  telegram: {platform: telegram, token: "1:a"}
  discord: {platform: discord, token: MTAwMQ.a.b}
  slack: {platform: slack, bot_token: xoxb-1, app_token: xapp-1}
  local: {platform: telegram, token: "2:b", api_url: "http://127.0.0.1:8081"}
agents:
  real: {command: [python3, -c, pass], env: {KEY: "${KEY:-x}"}}
  demo: {command: [carryon-demo-agent]}
default_agent: real
access:
  default: deny
  allow: ["telegram:12345", "discord:80351110224678912", "slack:U0123ABC", "local:-100200"]
"""


def odd(tmp_path: Path, text: str, **environ: str) -> list[str]:
    file = tmp_path / "gateway.yaml"
    file.write_text(text)
    config, reading = attempt(file, environ)
    assert config is not None, reading.messages()
    found = list(oddities(config, reading.find, environ))
    assert list(warnings(config, reading.find, environ)) == [str(one) for one in found]
    return [str(one).removeprefix(f"{file}:") for one in found]


def test_nothing_is_odd(tmp_path: Path) -> None:
    assert odd(tmp_path, FINE) == []


ALLOW = 'allow: ["telegram:12345",'
ODD = [
    ("media: {max_size: 20}\n", "", "media.max_size: found 20; ", "write 20MB"),
    ("media: {max_size: 500B}\n", "", "media.max_size", "500MB"),
    ("shutdown: {drain_timeout: 10m}\n", "", 'shutdown.drain_timeout: found "10m"', "have them wait 11m"),
    ("http: {listen: '0.0.0.0:8787', token: aaaaaaaaaaaaaaaaaaaa}\n", "", "http.listen", "TLS"),
    ("http: {listen: '192.168.1.2:8787', token: aaaaaaaaaaaaaaaaaaaa}\n", "", "http.listen", "encrypted"),
    (
        'allow: ["telegram:YOUR_ID",',
        ALLOW,
        'access.allow: found "telegram:YOUR_ID"; this only stands for an id',
    ),
    ('allow: ["telegram:<your-id>",', ALLOW, "access.allow", "this only stands for an id"),
    (
        'allow: ["telegram:alice",',
        ALLOW,
        'access.allow: found "telegram:alice"; this can be nobody\'s id',
        "numbers",
    ),
    ('allow: ["telegram:@alice",', ALLOW, "nobody's id", "not @names"),
    ('allow: ["discord:alice#1234",', ALLOW, "nobody's id", "Discord's ids are numbers"),
    ('allow: ["slack:alice",', ALLOW, "nobody's id", "begin with U or W"),
    ('allow: ["slack:C0123",', ALLOW, "nobody's id", "begin with U or W"),
    ('admins: ["slack:u0123"]\n  allow: ["telegram:12345",', ALLOW, "access.admins", "in capitals"),
    ('allow: ["*",', ALLOW, 'access.allow: found "*"; whoever finds the bot may have real run programs'),
    ('allow: ["telegram:*",', ALLOW, 'access.allow: found "telegram:*"; whoever finds the bot'),
    (
        "default: allow",
        "default: deny",
        'access.default: found "allow"; whoever finds the bot may have real run',
    ),
    (
        "default_agent: demo",
        "default_agent: real",
        'default_agent: found "demo"',
        "telegram, discord, slack is",
    ),
    (
        'env: {KEY: "$KEY"}',
        'env: {KEY: "${KEY:-x}"}',
        "agents.real.env.KEY: a text that looks like",
        "${NAME}",
    ),
    ('env: {KEY: "%KEY%"}', 'env: {KEY: "${KEY:-x}"}', "agents.real.env.KEY", "${NAME}"),
    ('cwd: ~/x/$USER, env: {KEY: "${KEY:-x}"}', 'env: {KEY: "${KEY:-x}"}', "agents.real.cwd", "${NAME}"),
    ("state_dir: $HOME/state", "state_dir: ./state", "state_dir: a text that looks like", "${NAME}"),
    ("command: [no-such-program,", "command: [python3,", "agents.real.command", "no such program"),
    ("access: {}\n", FINE[FINE.index("access:") :], "access: nobody may use the bot"),
]


@pytest.mark.parametrize(("new", "old", "parts"), [(new, old, parts) for new, old, *parts in ODD])
def test_what_is_odd(tmp_path: Path, new: str, old: str, parts: list[str]) -> None:
    assert not old or FINE.count(old) == 1
    text = FINE.replace(old, new) if old else FINE + new
    (line,) = odd(tmp_path, text)
    assert all(part in line for part in parts), line
    number = int(line.partition(":")[0])
    key = parts[0].partition(":")[0].rpartition(".")[2]
    place = text.splitlines()[number - 1]
    changed = [
        n for n, (a, b) in enumerate(zip(text.splitlines(), FINE.splitlines(), strict=False), 1) if a != b
    ]
    assert re.search(rf"\b{key}\b", place) or number in changed or number == len(text.splitlines())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("default: deny", "default: pair"),
        ("env: {KEY", "permissions: deny, env: {KEY"),
        ("access:", "shutdown: {drain_timeout: 90s}\nhttp: {listen: 'localhost:8787'}\naccess:"),
        ("access:", "media: {max_size: 100KB}\nhttp: {listen: null}\naccess:"),
        ("slack:U0123ABC", "slack:W0123ABC"),
        ('KEY: "${KEY:-x}"', 'KEY: "pa$word%20{x}", OTHER: "$5", THIRD: "a $VARIABLE within"'),
        ("allow: [", "admins: [telegram:1]\n  allow: ["),
        ('KEY: "${KEY:-x}"', 'KEY: "$$KEY", OTHER: "${KEY:-$KEY}"'),
        ("real: {", 'real: {mode: $$MODE, cwd: "./$$USER", '),
        ("state_dir: ./state", "state_dir: ./$$HOME"),
    ],
)
def test_what_is_not_odd(tmp_path: Path, old: str, new: str) -> None:
    assert FINE.count(old) == 1
    assert odd(tmp_path, FINE.replace(old, new)) == []


def test_everybody_may_talk_to_what_cannot_act(tmp_path: Path) -> None:
    text = FINE.replace("default: deny", "default: allow")
    assert odd(tmp_path, text.replace("env: {KEY", "permissions: deny, env: {KEY")) == []
    demo = "agents:\n  demo: {command: [carryon-demo-agent]}\ndefault_agent: demo\naccess: {default: allow}\n"
    local = FINE[FINE.index("  local:") : FINE.index("agents:")]
    assert odd(tmp_path, f"accounts:\n{local}{demo}") == []


def test_no_value_from_elsewhere_is_shown(tmp_path: Path) -> None:
    text = FINE.replace(ALLOW, 'allow: ["telegram:${WHO}",')
    (line,) = odd(tmp_path, text, WHO="planted")
    assert "nobody's id" in line
    assert "planted" not in line
