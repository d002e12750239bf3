"""Broken configs: each is refused with its place, what was found, what is allowed, and without secrets."""

import traceback
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.config.file import load
from gateway.errors import ConfigError

TOKEN = "123456:the-real-bot-token-AAF"
ELSE = "another-planted-secret-value"
GOOD = """\
state_dir: ./state
accounts:
  telegram:
    platform: telegram
    token: ${TOKEN}
agents:
  demo:
    command: [carryon-demo-agent]
    env: {KEY: "${ELSE}"}
default_agent: demo
access:
  allow: ["telegram:1"]
"""


@dataclass(frozen=True, slots=True)
class Row:
    """`old` in the good file becomes `new`; without `old`, `new` is added at the end."""

    place: str
    parts: tuple[str, ...]
    new: str
    old: str = ""
    environ: dict[str, str] = field(default_factory=dict)


def row(place: str, new: str, *parts: str, old: str = "", **environ: str) -> Row:
    return Row(place, parts, new, old, environ)


ENV = "environment CARRYON__"
DISCORD = "  other: {{platform: discord, token: {}}}\nagents:\n"
SHORT = "!replace the whole file!"
ROWS = [
    # The file as a whole
    row("1:1", "", "the file is empty", "accounts", old=SHORT),
    row("1:1", "# nothing\n", "the file is empty", old=SHORT),
    row("1:1", "- a\n", "holds no keys", old=SHORT),
    row("1:1", "just a text", "holds no keys", old=SHORT),
    row("1:1", "{}", "accounts: missing", "is required", old=SHORT),
    row("1:1", "{}", "default_agent: missing", old=SHORT),
    row("1:1", "[" * 500, "levels", old=SHORT),
    row("1:1", "a: &a [*a]", "levels", old=SHORT),
    row("3:1", "---\na: 1\n---\nb: 2\n", "another document", old=SHORT),
    # Syntax
    row("13:6", "log: [a\n", "not valid YAML", "'<stream end>'", "noticed at gateway.yaml:14:1", "close"),
    row("13:11", "log: level: info\n", "mapping values are not allowed here"),
    row("13:1", "\tlog: {}\n", "tabs"),
    row("5:12", "token: @x", "'@'", "quotes", old="token: ${TOKEN}"),
    row("5:12", f"token: *{ELSE}", "undefined alias", old="token: ${TOKEN}"),
    row("5:12", f"token: !{ELSE} x", "accounts.telegram.token: a tag", "quote", old="token: ${TOKEN}"),
    row("13:6", "log: !!python/object/apply:os.system [ls]\n", "log: a tag", "remove it"),
    row("13:6", "log: !!set {a}\n", "log: a tag"),
    row("13:3", "? [a]\n: b\n", "a key that is not a text"),
    row("13:1", "state_dir: x\n", "state_dir: the key stands twice", ":1:1", "remove one"),
    row("6:5", "    token: a\nagents:\n", "token: the key stands twice", old="agents:\n"),
    row("13:7", "log: {<<: 5}\n", "<<: a mapping"),
    row("1:12", "state_dir: \x07", "a control character", old="state_dir: ./state"),
    row("1:1", 'state_dir: "\\UFFFFFFFF"', "not valid YAML", old="state_dir: ./state"),
    # Unknown and missing keys
    row("13:1", "acces: {}\n", "acces: unknown key", 'did you mean "access"?'),
    row("13:1", "zzz: 1\n", "zzz: unknown key", "allowed here: state_dir, store", "remove it"),
    row("13:1", "drain_timeout: 5s\n", "it belongs into shutdown"),
    row("13:1", "boots: 5\n", "it belongs into resume.breaker"),
    row("5:5", "tokn: ${TOKEN}", "accounts.telegram.tokn: unknown key", '"token"', old="token: ${TOKEN}"),
    row("3:3", "tokn: ${TOKEN}", "accounts.telegram.token: missing", old="token: ${TOKEN}"),
    row("13:7", "log: {fromat: json}\n", 'did you mean "format"?'),
    row("8:5", "cwd: x", "agents.demo: ", "command is needed", old="command: [carryon-demo-agent]"),
    row("5:5", f"{TOKEN}{TOKEN}: x", "[looks like a secret]: unknown key", old="token: ${TOKEN}"),
    row("1:1", "a: 1", "agents: missing", old=SHORT),
    # Wrong types
    row("13:6", "log: 5\n", "log: found 5", "a section is allowed, with format, level"),
    row("13:1", "log:\n", "log: no value", "remove it"),
    row("8:14", "command: carryon", 'found "carryon"', "a list", old="command: [carryon-demo-agent]"),
    row("8:14", "command: []", "empty", "at least one", old="command: [carryon-demo-agent]"),
    row(
        "8:14",
        'command: [""]',
        "agents.demo.command",
        "the name of a program",
        old="command: [carryon-demo-agent]",
    ),
    row("8:15", "command: [[a]]", "command.0: found a list", "a text", old="command: [carryon-demo-agent]"),
    row("8:15", 'command: ["a\\0b"]', "NUL", old="command: [carryon-demo-agent]"),
    row("5:12", f"token: [{TOKEN}]", "token: found a list", "a text is allowed", old="token: ${TOKEN}"),
    row("5:12", f"token: {{a: {TOKEN}}}", "token: found a section", old="token: ${TOKEN}"),
    row("5:5", "token:", "token: no value", "a text", old="token: ${TOKEN}"),
    row("5:12", "token: 123456789", "a bot token is digits, a colon", "BotFather", old="token: ${TOKEN}"),
    row("5:12", f"token: {ELSE}", "not shown here", "BotFather", old="token: ${TOKEN}"),
    row("9:16", f"env: {{KEY: [{ELSE}]}}", "env.KEY: found a list", old='env: {KEY: "${ELSE}"}'),
    row(
        "9:11", 'env: {"B=C": x}', "environment variable", "without spaces or =", old='env: {KEY: "${ELSE}"}'
    ),
    row("9:10", f"env: {ELSE}", "env: found a text that is not shown", old='env: {KEY: "${ELSE}"}'),
    row("13:19", "resume: {enabled: maybe}\n", 'found "maybe"', "true or false"),
    row("13:19", "sessions: {scope: []}\n", "found a list", "with direct, group"),
    row("13:24", "sessions: {max_queued: true}\n", "found true", "a whole number"),
    row("13:24", "sessions: {max_queued: 1.5}\n", "found 1.5", "a whole number"),
    row("13:24", "sessions: {max_queued: .nan}\n", "a whole number"),
    row("13:24", "sessions: {max_queued: 0}\n", "found 0", "at least 1"),
    row("13:24", "sessions: {max_queued: 1000001}\n", "found 1000001", "at most 1000000"),
    row("13:24", f"sessions: {{max_queued: {'9' * 5000}}}\n", "a whole number"),
    row("1:12", 'state_dir: ""', "found an empty text", "a path", old="state_dir: ./state"),
    row("1:12", "state_dir: [a]", "found a list", "a path", old="state_dir: ./state"),
    row("1:12", 'state_dir: "\\uD800"', "state_dir", old="state_dir: ./state"),
    # Values
    row("13:14", "log: {level: inf}\n", 'found "inf"', "debug, info, warning, error", 'did you mean "info"?'),
    row("13:14", f"log: {{level: {TOKEN}}}\n", "not shown here", "debug, info"),
    row("13:19", "resume: {reasons: drain_timeout}\n", "a list is allowed"),
    row("13:20", "resume: {reasons: [x, manual]}\n", "resume.reasons.0", "agent_lost"),
    row("13:21", "resume: {freshness: 1w}\n", 'found "1w"', "500ms, 30s, 10m, 1h or 2d"),
    row("13:21", "resume: {freshness: 0}\n", "found 0", "above zero"),
    row("13:21", "resume: {freshness: -5s}\n", 'found "-5s"', "a duration"),
    row("13:21", "resume: {freshness: 1e400}\n", "a duration"),
    row("13:27", "shutdown: {drain_timeout: 366d}\n", "from 0 to 365d"),
    row("13:27", "shutdown: {drain_timeout: true}\n", "found true", "a duration"),
    row("13:27", "shutdown: {drain_timeout: .inf}\n", "a duration"),
    row("13:14", "store: {url: mysql://u:pw@h/d}\n", "not shown here", "sqlite, or an address"),
    row(
        "4:15", "platform: telegarm", 'found "telegarm"', 'did you mean "telegram"?', old="platform: telegram"
    ),
    row("3:3", "rate_limits: off", "platform: missing", "allowed: telegram", old="platform: telegram"),
    row(
        "5:14",
        "api_url: ftp://x\n    token: ${TOKEN}",
        "api_url",
        "http://127.0.0.1:8081",
        old="token: ${TOKEN}",
    ),
    row(
        "5:14",
        "api_url: ws://127.0.0.1:8081/very-secret\n    token: ${TOKEN}",
        'found an address that begins with "ws://127.0.0.1:8081"; ',
        "http://127.0.0.1:8081",
        old="token: ${TOKEN}",
    ),
    row(
        "5:14", "api_url: ws://me:pw@127.0.0.1/very\n    token: ${TOKEN}", "not shown", old="token: ${TOKEN}"
    ),
    row("5:14", "api_url: http://[::1\n    token: ${TOKEN}", "an address such as", old="token: ${TOKEN}"),
    row(
        "5:18",
        "rate_limits: fast\n    token: ${TOKEN}",
        'found "fast"',
        "platform, off",
        old="token: ${TOKEN}",
    ),
    row("8:10", "cwd: ./{user}\n    command: [x]", "{session}", old="command: [carryon-demo-agent]"),
    row("7:3", "Demo 1:", "agents.Demo 1: a name of a-z", "rename it", old="demo:"),
    row("10:16", "default_agent: dmo", 'found "dmo"', "no agent", "allowed: demo", old="default_agent: demo"),
    row("12:11", 'allow: ["telegarm:1"]', 'found "telegarm:1"', "telegram", old='allow: ["telegram:1"]'),
    row("12:11", "allow: [12345]", 'found "12345"', '"account:user"', old='allow: ["telegram:1"]'),
    row("12:11", 'allow: ["telegram:1*"]', '"account:*"', old='allow: ["telegram:1"]'),
    row("12:11", 'allow: ["telegram:"]', '"account:user"', old='allow: ["telegram:1"]'),
    row("13:12", '  admins: [":5"]\n', "access.admins.0", '"account:user"'),
    row("2:11", "accounts: {}\nx-y:\n", "accounts: empty", "at least one", old="accounts:\n"),
    row("6:37", DISCORD.format("abc.def.ghi"), "the first holds the bot's id", "Bot page", old="agents:\n"),
    row("6:37", DISCORD.format("YWJj.def.ghi"), "the first holds the bot's id", old="agents:\n"),
    row(
        "6:63",
        DISCORD.format("MTAwMQ.Gx.y, gateway_url: http://127.0.0.1:8082/gateway"),
        'found an address that begins with "http://127.0.0.1:8082"; ',
        "ws://127.0.0.1:8082/gateway",
        old="agents:\n",
    ),
    # References
    row(
        "5:12",
        "token: ${TOKN}",
        "the environment variable TOKN is not set",
        "${TOKN:-",
        old="token: ${TOKEN}",
    ),
    row("5:12", "token: ${TOKEN", "without its }", "${NAME:-default}", old="token: ${TOKEN}"),
    row("5:12", "token: ${}", "a reference that is none", old="token: ${TOKEN}"),
    row("5:12", "token: ${a-b}", "a reference that is none", old="token: ${TOKEN}"),
    row("5:12", "token: ${file:/no/such}", "/no/such cannot be read (No such file", old="token: ${TOKEN}"),
    row("5:12", "token: ${file:.}", "cannot be read (Is a directory)", old="token: ${TOKEN}"),
    row("5:12", 'token: "${file:a\\0b}"', "cannot be used", old="token: ${TOKEN}"),
    row("5:12", "token: ${file:/dev/zero}", "cannot be read", "65536 bytes", old="token: ${TOKEN}"),
    row("5:12", "token: ${EMPTY}", "found an empty text", old="token: ${TOKEN}", EMPTY=""),
    row("13:14", "log: {level: '${TOKEN}'}\n", "log.level: found a text that is not shown", "debug"),
    row("1:12", "state_dir: x${NOPE}y${NO}", "variable NO is", old="state_dir: ./state"),
    # Overrides
    row(
        f"{ENV}log__level: ", "", "log.level", "not shown here", "allowed: debug", CARRYON__log__level="loud"
    ),
    row(f"{ENV}log__lvl: ", "", "log.lvl: unknown key", 'did you mean "level"?', CARRYON__log__lvl="info"),
    row(f"{ENV}LOG__LEVEL: ", "", "LOG: unknown key", 'did you mean "log"?', CARRYON__LOG__LEVEL="info"),
    row(f"{ENV}log: ", "", "log: not valid YAML", CARRYON__log="{level: "),
    row(f"{ENV}log: ", "", "log: a tag", CARRYON__log="!x y"),
    row(f"{ENV}log__level: ", "", "log.level: no value", CARRYON__log__level=""),
    row(f"{ENV}state_dir__x: ", "", "state_dir is no section", CARRYON__state_dir__x="1"),
    row(f"{ENV}a____b: ", "", "a part of the name is empty", CARRYON__a____b="1"),
    row(f"{ENV}: ", "", "a part of the name is empty", CARRYON__="1"),
    row(f"{ENV}access__allow: ", "", "access.allow.1", CARRYON__access__allow='["telegram:1", "x"]'),
    row(f"{ENV}accounts__telegram__token: ", "", "not shown here", CARRYON__accounts__telegram__token=ELSE),
]


def refused(path: Path, environ: dict[str, str]) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(path, environ)
    return caught.value


def assert_discreet(error: ConfigError) -> None:
    said = "".join(traceback.format_exception(error)) + repr(error) + str(error)
    assert TOKEN not in said
    assert ELSE not in said
    assert "input_value" not in said
    assert "pydantic" not in said
    for problem in error.problems:
        assert "\n" not in problem
        assert "Traceback" not in problem


@pytest.mark.parametrize("case", ROWS, ids=range(len(ROWS)))
def test_broken_config_is_refused_in_place(
    case: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        case.new if case.old == SHORT else GOOD.replace(case.old, case.new) if case.old else GOOD + case.new
    )
    assert text != GOOD or case.environ
    monkeypatch.chdir(tmp_path)
    Path("gateway.yaml").write_text(text)
    error = refused(Path("gateway.yaml"), {"TOKEN": TOKEN, "ELSE": ELSE} | case.environ)
    place = case.place if case.place.startswith("env") else f"gateway.yaml:{case.place}: "
    told = [line for line in error.problems if line.startswith(place)]
    assert any(all(part in line for part in case.parts) for line in told), error.problems
    assert error.exit_code == 78
    assert_discreet(error)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    error = refused(tmp_path / "none.yaml", {})
    (problem,) = error.problems
    assert problem.startswith(f"{tmp_path}/none.yaml: there is no such file; a config file is needed; ")
    assert "`carryon init`" in problem
    assert "config/gateway.yaml" in problem
    assert problem.endswith("--config FILE, or in the environment variable CARRYON_CONFIG")


def test_a_directory(tmp_path: Path) -> None:
    assert "cannot be read (Is a directory)" in str(refused(tmp_path, {}))


def test_a_file_that_never_ends() -> None:
    assert "neither a file nor a pipe" in str(refused(Path("/dev/zero"), {}))


def test_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_bytes(b"a: 1\nb: \xff\n")
    (problem,) = refused(path, {}).problems
    assert problem.startswith(f"{path}:2:4: bytes that are not UTF-8")


def test_a_bomb_is_refused_soon(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    path.write_text("\n".join(lines))
    assert "more than 20000 values" in str(refused(path, {}))


def test_every_problem_is_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    text = GOOD.replace("${TOKEN}", "${TOKN}").replace("default_agent: demo", "default_agent: dmo")
    path.write_text(text.replace("telegram:1", "slack:1") + "log: {level: loud, fromat: x}\nzzz: 1\nzzz: 2\n")
    error = refused(path, {"ELSE": ELSE, "CARRYON__x": "1"})
    places = [problem.removeprefix(str(path)).split(": ")[0] for problem in error.problems]
    assert places == [
        ":5:12",
        ":10:16",
        ":12:11",
        ":13:14",
        ":13:20",
        ":14:1",
        ":15:1",
        "environment CARRYON__x",
    ]


def test_very_many_problems_are_cut(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("".join(f"k{n}: 1\n" for n in range(500)))
    problems = refused(path, {}).problems
    assert len(problems) == 101
    assert problems[-1] == "... and 403 more"


SLACK = "{{platform: slack, bot_token: xoxb-{}, app_token: 'xapp-{}'}}"
TWICE = f"""\
accounts:
  one: {{platform: telegram, token: "${{TOKEN}}"}}
  two:
    platform: telegram
    token: {TOKEN}
  there: {{platform: telegram, token: "${{TOKEN}}", api_url: http://127.0.0.1:8081}}
  third: {{platform: telegram, token: "${{TOKEN}}", api_url: http://127.0.0.1:8081/}}
  four: {SLACK.format("four", "one-and-the-same")}
  five: {SLACK.format("five", "one-and-the-same")}
agents: {{demo: {{command: [x]}}}}
default_agent: demo
"""


SHAPES = (
    "7262626262:AAFplantedPLANTEDplantedPLANTEDpla1",
    "7262626262:AAFplanted",  # short enough to be shown, if it were not from outside
    "OTAwMDAwMDA3MDAwMDAwMDAx.GplanT.plantedPLANTEDplantedPLANTEDplant1",
    "xoxb-726262626262-726262626262-plantedPLANTEDplanted12",
    "xapp-1-A0PLANTED-7262626262-planted0planted",
    "sk-ant-api03-planted-PLANTED_planted12",
)


def test_a_secret_in_the_wrong_place_is_not_repeated(tmp_path: Path) -> None:
    """As a name, as a key, in a reference, as a whole override, inside the name of one."""
    file = tmp_path / "gateway.yaml"
    for secret in SHAPES:
        told: list[str] = []
        for old, new in (
            ("telegram:\n", f"{secret}:\n"),
            ("telegram:\n", f"{secret.lower()}:\n"),
            ("demo:\n", f"{secret.lower()}:\n"),
            ("accounts:", f"{secret}: x\naccounts:"),
            ("${TOKEN}", f"${{file:{secret}}}"),
            ("[carryon-demo-agent]", f"[carryon-demo-agent]\n    env: {{'{secret}': x}}"),
        ):
            assert old in GOOD
            file.write_text(GOOD.replace(old, new, 1))
            told += refused(file, {"TOKEN": TOKEN}).problems
        file.write_text(GOOD)
        for key in ("accounts", "log", "default_agent", "access__allow", f"accounts__{secret}__x", secret):
            told += refused(file, {"TOKEN": TOKEN, f"CARRYON__{key}": secret}).problems
        assert [one for one in told if secret.lower()[:12] in one.lower()] == []
        assert sum("[looks like a secret]" in one for one in told) >= 6


def test_a_reference_whose_name_is_a_secret_is_not_repeated(tmp_path: Path) -> None:
    for secret in ("planted1PLANTED2planted3", "sk_plantedPLANTEDplanted12"):
        (tmp_path / "gateway.yaml").write_text(GOOD.replace("${TOKEN}", f"${{{secret}}}"))
        told = "".join(refused(tmp_path / "gateway.yaml", {}).problems)
        assert "variable [looks like a secret] is not set" in told
        assert secret not in told


def test_a_token_belongs_to_one_account_of_a_server(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(TWICE)
    error = refused(path, {"TOKEN": TOKEN})
    assert_discreet(error)
    assert "one-and-the-same" not in str(error)
    assert [problem.removeprefix(str(path)).split("; ")[0] for problem in error.problems] == [
        f":5:12: accounts.two.token: the same token as at accounts.one.token ({path}:2:36)",
        f":7:38: accounts.third.token: the same token as at accounts.there.token ({path}:6:38)",
        f":9:60: accounts.five.app_token: the same token as at accounts.four.app_token ({path}:8:60)",
    ]


def test_tokens_that_are_not_known_are_not_compared(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(TWICE.replace(TOKEN, "${TOKEN}").replace("one-and-the-same", "${APP}"))
    assert all("is not set" in problem for problem in refused(path, {}).problems)
