"""What a good config may look like, and that no mutation of it ends in anything but a refusal."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from adapters.registry import PLATFORMS
from gateway.config.file import load
from gateway.config.models import Config
from gateway.errors import ConfigError

TOKEN = "123456:the-real-bot-token-AAF"
GOOD = """\
accounts:
  telegram: {platform: telegram, token: "${TOKEN}"}
agents:
  demo: {command: [carryon-demo-agent]}
default_agent: demo
"""
ANNOTATED = Path(__file__).parents[2] / "config" / "gateway.yaml"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path


def read(directory: Path, text: str, **environ: str) -> Config:
    path = directory / "gateway.yaml"
    path.write_text(text)
    return load(path, {"TOKEN": TOKEN, "HOME": "/home/me"} | environ)


def token(config: Config) -> str:
    found = dict(config.accounts["telegram"])["token"]
    assert isinstance(found, SecretStr)
    return found.get_secret_value()


def env(config: Config) -> dict[str, str]:
    return {name: value.get_secret_value() for name, value in config.agents["demo"].env.items()}


def with_env(text: str) -> str:
    return GOOD.replace("[carryon-demo-agent]", f"[carryon-demo-agent], env: {text}")


def test_the_shipped_configs_load() -> None:
    tokens = {
        "TELEGRAM_BOT_TOKEN": TOKEN,
        "DISCORD_BOT_TOKEN": "MTAwMQ.Gx.a-secret",
        "SLACK_BOT_TOKEN": "xoxb-1-2-a",
        "SLACK_APP_TOKEN": "xapp-1-A-2-b",
    }
    annotated = load(ANNOTATED, tokens)
    assert token(annotated) == TOKEN
    assert list(annotated.accounts) == list(PLATFORMS)
    local = load(ANNOTATED.with_name("local.yaml"), {})
    assert local.access.default == "allow"
    assert local.agents["demo"].processes == "shared"
    assert dict(local.accounts["telegram"])["api_url"] == "http://127.0.0.1:8081"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("${A}", "one"),
        ("x${A}y${B}z", "xoneytwo words: #z"),
        ("${A:-other}", "one"),
        ("${NONE:-other}", "other"),
        ("${EMPTY:-other}", "other"),
        ("${NONE:-}", ""),
        ("${NONE:-a:-b c}", "a:-b c"),
        ("${EMPTY}", ""),
        ("$$", "$"),
        ("$${A}", "${A}"),
        ("$$$${A}", "$${A}"),
        ("$A $ a$", "$A $ a$"),
        ("${file:secret}", "from a file"),
        ("${DOLLAR}", "${A}$$"),
    ],
)
def test_references(directory: Path, written: str, meant: str) -> None:
    (directory / "secret").write_text("from a file\n\r\n")
    outside = {"A": "one", "B": "two words: #", "EMPTY": "", "DOLLAR": "${A}$$"}
    assert env(read(directory, with_env(f'{{K: "{written}"}}'), **outside)) == {"K": meant}


def test_references_work_where_no_text_is_wanted(directory: Path) -> None:
    text = GOOD + 'limits: {concurrent_turns: "${N}"}\nresume: {enabled: "${ON}", freshness: "${T:-5m}"}\n'
    config = read(directory, text, N="7", ON="false")
    assert (config.limits.concurrent_turns, config.resume.enabled, config.resume.freshness) == (
        7,
        False,
        300.0,
    )


def test_a_secret_file_may_be_absolute(directory: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("run") / "token"
    secret.write_text(TOKEN + "\n")
    assert token(read(directory, GOOD.replace("${TOKEN}", f"${{file:{secret}}}"))) == TOKEN


def test_texts_are_taken_as_written(directory: Path) -> None:
    config = read(directory, with_env("{A: 1.10, B: true, C: 0x10, D: 2026-01-01, E: off, F: 007}"))
    assert env(config) == {"A": "1.10", "B": "true", "C": "0x10", "D": "2026-01-01", "E": "off", "F": "007"}
    ported = read(directory, GOOD.replace("demo-agent]", "demo-agent, --port, 8080]"))
    assert ported.agents["demo"].command == ("carryon-demo-agent", "--port", "8080")


def test_overrides(directory: Path) -> None:
    config = read(
        directory,
        GOOD + "log: {level: info}\nsessions:\n",
        CARRYON__log__level="debug",
        CARRYON__resume__breaker__window="90s",
        CARRYON__sessions__max_queued="5",
        CARRYON__access__allow='["telegram:1", "*"]',
        CARRYON__shutdown="{drain_timeout: 0}",
        CARRYON__agents__second="{command: [x, 'y z']}",
        CARRYON__default_agent="second",
        CARRYON="ignored",
        CARRYON_PROCESS_TOKEN="ignored",
    )
    assert config.log.level == "debug"
    assert config.resume.breaker.window == 90.0
    assert config.sessions.max_queued == 5
    assert config.access.allow == ("telegram:1", "*")
    assert config.shutdown.drain_timeout == 0
    assert config.agents["second"].command == ("x", "y z")
    assert config.default_agent == "second"


@pytest.mark.parametrize(
    "value", ["@at", "*star", "!bang", "a: b", "#", "{", "'", "  spaced ", "${A}$$", "7", "null", "a\nb"]
)
def test_an_override_of_a_secret_is_taken_as_it_is(directory: Path, value: str) -> None:
    config = read(directory, GOOD, CARRYON__agents__demo__env__KEY=value)
    assert env(config) == {"KEY": value}


@pytest.mark.parametrize("broken", ["${NOT_SET}", "!tag x", "[a]", "${", ""])
def test_an_override_cures_a_broken_value(directory: Path, broken: str) -> None:
    text = GOOD.replace('"${TOKEN}"', f'"{broken}"' if "$" in broken else broken)
    assert token(read(directory, text, CARRYON__accounts__telegram__token=TOKEN)) == TOKEN


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("./state", "{here}/state"),
        ("../state", "{above}/state"),
        ("/var/lib/x", "/var/lib/x"),
        ("~/x", "/home/me/x"),
        ("~x", "{here}/~x"),
        ("a//b/./c", "{here}/a/b/c"),
        ("5", "{here}/5"),
    ],
)
def test_paths_start_at_the_file(directory: Path, written: str, meant: str) -> None:
    meant = meant.format(here=directory, above=directory.parent)
    config = read(directory, f'state_dir: "{written}"\n' + GOOD)
    assert config.state_dir == Path(meant)
    assert config.cwd("demo") == f"{meant}/workspaces/{{session}}"
    written_cwd = GOOD.replace("demo-agent]", f'demo-agent], cwd: "{written}"')
    assert read(directory, written_cwd).cwd("demo") == meant


def test_paths_do_not_depend_on_where_the_process_stands(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (directory / "gateway.yaml").write_text(GOOD)
    monkeypatch.chdir(directory)
    assert load("gateway.yaml", {"TOKEN": TOKEN}).state_dir == directory / "state"


def test_an_anchor_that_is_used_again_means_the_later_one_and_is_quoted_nowhere(directory: Path) -> None:
    """The library would warn of it with a piece of the file, and warnings are errors here."""
    text = GOOD.replace("agent]}", "agent], env: {ONE: &a planted, TWO: &a other, THREE: *a}}")
    (directory / "gateway.yaml").write_text(text)
    env = load(directory / "gateway.yaml", {"TOKEN": TOKEN}).agents["demo"].env
    assert [env[key].get_secret_value() for key in ("ONE", "TWO", "THREE")] == ["planted", "other", "other"]


def test_anchors_and_merges(directory: Path) -> None:
    text = """\
accounts: {telegram: {platform: telegram, token: "${TOKEN}"}}
agents:
  one: &base
    command: &program [carryon-demo-agent]
    idle_timeout: 1m
    max_processes: 2
  two:
    <<: *base
    idle_timeout: 2m
  three:
    <<: [{max_processes: 3}, *base]
    command: *program
default_agent: two
"""
    agents = read(directory, text).agents
    assert {name: (a.idle_timeout, a.max_processes) for name, a in agents.items()} == {
        "one": (60.0, 2),
        "two": (120.0, 2),
        "three": (60.0, 3),
    }


def test_line_endings_and_byte_order_mark(directory: Path) -> None:
    path = directory / "gateway.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert token(load(path, {"TOKEN": TOKEN})) == TOKEN


def problems_of(path: Path, environ: dict[str, str]) -> tuple[str, ...]:
    try:
        load(path, environ)
    except ConfigError as error:
        problems = error.problems
    else:
        return ()
    assert problems
    assert TOKEN not in "".join(problems)
    return problems


WORDS = """
*  *a  &a  !x  !!binary  <<:  ${  ${X}  $$  {  }  [  ]  :  -  ?  #  '  "  |  >  @  `  %  ---  ...  ~  null  =
.nan  1e999  0x  0o9  1_  2026-02-30  "\\U00110000"  "\\ud800"  é
""".split()  # noqa: SIM905  (a list would be three times as long)
OTHERS = [
    "\t",
    "\r",
    "\0",
    "\x85",
    "\u2028",
    "\ufeff",
    "\U0001d4b3",
    "%YAML 1.1\n---\n",
    "9" * 4400,
    "\n",
    "  ",
    "\n- ",
]
NASTY = st.sampled_from([*WORDS, *(f"{word} " for word in WORDS), *OTHERS])
ORIGINAL = ANNOTATED.read_text()
EDIT = st.tuples(
    st.integers(0, len(ORIGINAL)),
    st.integers(0, 30),
    NASTY | st.text(max_size=5) | st.just("") | st.just("dup"),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.lists(EDIT, min_size=1, max_size=6))
def test_mutations_are_refused_or_accepted(directory: Path, edits: list[tuple[int, int, str]]) -> None:
    text = "\n".join(
        line for line in ORIGINAL.splitlines() if line.strip() and not line.lstrip().startswith("#")
    )
    for start, length, new in edits:
        at = start % (len(text) + 1)
        put = text[at : at + length] * 2 if new == "dup" else new
        text = text[:at] + put + text[at + length :]
    path = directory / "gateway.yaml"
    path.write_bytes(text.encode(errors="surrogatepass"))
    problems = problems_of(path, {"TELEGRAM_BOT_TOKEN": TOKEN})
    assert all(problem.startswith((f"{path}:", "... and ")) for problem in problems)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(
        ["log", "log__level", "accounts", "accounts__telegram__api_url", "access__allow__0", "x", "a__b"]
    ),
    value=NASTY | st.text(max_size=20),
)
def test_odd_overrides_are_refused_or_accepted(directory: Path, name: str, value: str) -> None:
    path = directory / "gateway.yaml"
    path.write_text(GOOD)
    problems = problems_of(path, {"TOKEN": TOKEN, f"CARRYON__{name}": value})
    assert all(problem.startswith("environment CARRYON__") for problem in problems)
