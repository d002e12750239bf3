"""`carryon init`: what it asks, what it writes, and that it leaves nothing half-done."""

import asyncio
import contextlib
import io
import itertools
import os
import shlex
import signal
import sys
from dataclasses import replace

import pytest

from adapters.emulators.faults import Fault, FaultKind
from adapters.emulators.registry import PLATFORMS, emulator
from adapters.emulators.telegram import TelegramEmulator, TelegramOptions
from adapters.registry import manifest
from gateway import cli
from gateway.agents.presets import PRESETS
from gateway.config.file import load
from gateway.errors import CarryonError, UsageError
from gateway.init import answers as facts
from gateway.init import write as writing
from gateway.init.answers import AccountAnswer, Answers
from gateway.init.write import write
from tests.harness.forks import FORKS, ended

TOKEN = "4242:PLANTED-token"
GOOD = {
    "telegram": {"token": TOKEN},
    "discord": {"token": "OTAwMDAwMDAwMDAwMDAwMDAx.PLANTED.token"},
    "slack": {"bot_token": "xoxb-PLANTED-bot", "app_token": "xapp-PLANTED-app"},
}
VARIABLES = [one.variable for known in facts.PLATFORMS.values() for one in known.secrets]
BARE = {"PATH": os.defpath}


@pytest.fixture(autouse=True)
def _bare(monkeypatch):
    for name in (*VARIABLES, "CARRYON_CONFIG"):
        monkeypatch.delenv(name, raising=False)


def account(platform="telegram", **more):
    return AccountAnswer(platform, GOOD[platform], **more)


def everything(folder):
    """What is there, with the content and mode of each file."""
    return {
        str(path.relative_to(folder)): (path.read_text(), path.stat().st_mode & 0o777)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


async def run(*arguments, typed=""):
    """The command in this process, with a pipe as its standard input: its exit code and what it said."""
    return await asyncio.to_thread(_run, list(map(str, arguments)), typed)


def _run(arguments, typed):
    said, usual, words = io.StringIO(), sys.stdin, sys.argv
    sys.stdin = io.TextIOWrapper(io.BytesIO(typed.encode()))
    sys.argv = ["carryon", "init", *arguments]
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            cli.main()
        code = 0
    except SystemExit as ended:
        code = ended.code or 0
    finally:
        sys.stdin, sys.argv = usual, words
    assert "Traceback" not in said.getvalue()
    assert "PLANTED" not in said.getvalue()
    return code, said.getvalue()


def test_platforms_and_their_secrets_are_those_of_the_config():
    assert tuple(facts.PLATFORMS) == PLATFORMS
    for name, known in facts.PLATFORMS.items():
        fields = manifest(name).account_model.model_fields
        secret = [key for key, field in fields.items() if "SecretStr" in str(field.annotation)]
        assert [one.key for one in known.secrets] == secret


# What is written


@pytest.mark.parametrize("agent", ["demo", *PRESETS])
@pytest.mark.parametrize("names", [("telegram",), ("telegram", "discord", "slack")])
def test_what_is_written_can_be_used(tmp_path, agent, names):
    answers = Answers(
        tuple(account(name, name="@x") for name in names), agent, tuple(f"{name}:U123" for name in names)
    )
    write(answers, tmp_path / "gateway.yaml", BARE)
    config = load(tmp_path / "gateway.yaml", BARE)
    assert tuple(config.accounts) == names
    for name in names:
        read = {key: getattr(config.accounts[name], key).get_secret_value() for key in GOOD[name]}
        assert read == GOOD[name]
    assert config.default_agent == agent
    assert config.access.default == "pair"
    assert config.access.admins == answers.admins
    assert config.state_dir == tmp_path / "state"
    assert "PLANTED" not in (tmp_path / "gateway.yaml").read_text()
    assert {mode for _, mode in everything(tmp_path).values()} == {0o600}
    assert (tmp_path / "gateway.secrets").stat().st_mode & 0o777 == 0o700
    assert everything(tmp_path)["gateway.secrets/.gitignore"][0] == "*\n"


def test_others_are_refused_if_so_wished(tmp_path):
    write(Answers((account(),), pairing=False), tmp_path / "g.yaml", BARE)
    assert load(tmp_path / "g.yaml", BARE).access.default == "deny"


@pytest.mark.parametrize(
    "state",
    ["/srv/carryon", "./with space", "./$HOME/x", "./${X}", "./a: b # c", './"quoted"', "./ünï", "~/x"],
)
def test_odd_directories(tmp_path, state):
    write(Answers((account(),), state_dir=state), tmp_path / "g.yaml", BARE)
    found = load(tmp_path / "g.yaml", {**BARE, "HOME": "/home/x"}).state_dir
    expected = state.replace("~", "/home/x") if state[0] in "/~" else str(tmp_path / state[2:])
    assert str(found) == expected


@pytest.mark.parametrize("name", ["@bot\n  evil: 1", "\x1b[2J", "# x", "a" * 500])
def test_a_bots_name_is_a_comment_and_nothing_else(tmp_path, name):
    write(Answers((account(name=name),)), tmp_path / "g.yaml", BARE)
    assert tuple(load(tmp_path / "g.yaml", BARE).accounts) == ("telegram",)
    assert "\x1b" not in (tmp_path / "g.yaml").read_text()


@pytest.mark.parametrize("name", ["my gateway.yaml", "${x}.yaml", "ünï.yml", "noext"])
def test_odd_names_of_files(tmp_path, name):
    written = write(Answers((account(),)), tmp_path / name, BARE)
    assert load(tmp_path / name, BARE).accounts
    assert written.folder.parent == tmp_path


def test_what_the_environment_overrides_is_not_the_files_business(tmp_path):
    write(Answers((account(),)), tmp_path / "g.yaml", {**BARE, "CARRYON__state_dir": "", "CARRYON__x": "1"})
    assert load(tmp_path / "g.yaml", BARE).accounts


def test_what_was_there_is_kept(tmp_path):
    config = tmp_path / "gateway.yaml"
    write(Answers((account(),)), config, BARE)
    before = everything(tmp_path)
    assert write(Answers((account(),)), config, BARE).backups == ()
    assert everything(tmp_path) == before
    changed = replace(account(), secrets={"token": "7:PLANTED-other"})
    kept = [path.name for path in write(Answers((changed,)), config, BARE).backups]
    assert kept == ["telegram-token.bak"]
    changed = replace(account(), secrets={"token": "7:PLANTED-third"})
    kept = [path.name for path in write(Answers((changed,), state_dir="./x"), config, BARE).backups]
    assert kept == ["telegram-token.bak2", "gateway.yaml.bak"]
    after = everything(tmp_path)
    assert after["gateway.secrets/telegram-token.bak"] == before["gateway.secrets/telegram-token"]
    assert after["gateway.secrets/telegram-token.bak2"][0] == "7:PLANTED-other\n"
    assert after["gateway.yaml.bak"] == before["gateway.yaml"]
    assert {mode for _, mode in after.values()} == {0o600}


def test_a_config_that_could_not_be_used_is_not_written(tmp_path):
    (tmp_path / "gateway.yaml").write_text("old: 1\n")
    before = everything(tmp_path)
    with pytest.raises(CarryonError, match="nothing was written") as raised:
        write(Answers((account(),), admins=("slack:U1",)), tmp_path / "gateway.yaml", BARE)
    assert str(tmp_path / "gateway.yaml") in str(raised.value)
    assert everything(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["gateway.yaml"]


def test_a_signal_while_it_is_written_leaves_all_or_nothing(tmp_path):
    """Asked to end at any step, it ends before the first file is moved or after the last."""
    complete = []
    for stop_at in range(30):
        folder = tmp_path / str(stop_at)
        folder.mkdir()
        (folder / "gateway.yaml").write_text("old: 1\n")
        with contextlib.suppress(KeyboardInterrupt), interrupted_at(stop_at):
            write(Answers((account(),)), folder / "gateway.yaml", BARE)
        names = {path.name for path in folder.iterdir()}
        complete.append(names != {"gateway.yaml"})
        if complete[-1]:
            assert names == {"gateway.yaml", "gateway.yaml.bak", "gateway.secrets"}
            assert load(folder / "gateway.yaml", BARE).accounts
        else:
            assert (folder / "gateway.yaml").read_text() == "old: 1\n"
    assert complete == sorted(complete)
    assert set(complete) == {True, False}


def die_after(files, config):
    """Write, and be killed as soon as so many files are there."""
    put, written = writing._put, itertools.count(1)

    def put_and_die(*given):
        put(*given)
        if next(written) == files:
            os.kill(os.getpid(), signal.SIGKILL)

    writing._put = put_and_die
    write(Answers((account(),)), config, BARE)


async def test_what_one_that_was_killed_has_left_git_ignores_and_the_next_one_deletes(tmp_path):
    for files in (1, 2, 3, 4):
        process = FORKS.Process(target=die_after, args=(files, tmp_path / "gateway.yaml"))
        process.start()
        assert await ended(process) == -signal.SIGKILL
        (left,) = tmp_path.iterdir()
        assert (left / ".gitignore").read_text() == "*\n"
        assert len(everything(left)) == files
    write(Answers((account(),)), tmp_path / "gateway.yaml", BARE)
    assert {path.name for path in tmp_path.iterdir()} == {"gateway.yaml", "gateway.secrets"}


@contextlib.contextmanager
def interrupted_at(step):
    """Ctrl-C when so many functions of the module that writes have been called."""
    steps = itertools.count()

    def look(frame, event, _argument):
        if event == "call" and frame.f_code.co_filename == writing.__file__ and next(steps) == step:
            signal.raise_signal(signal.SIGINT)

    before, handler = sys.getprofile(), signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(before)
        signal.signal(signal.SIGINT, handler)


@pytest.mark.parametrize("what", ["a file above", "a file in the place of the secrets"])
def test_where_nothing_can_be_written(tmp_path, what):
    if what == "a file above":
        (tmp_path / "x").write_text("")
        config = tmp_path / "x" / "gateway.yaml"
    else:
        (tmp_path / "gateway.secrets").write_text("")
        config = tmp_path / "gateway.yaml"
    before = everything(tmp_path)
    with pytest.raises(CarryonError, match="cannot be written"):
        write(Answers((account(),)), config, BARE)
    assert everything(tmp_path) == before


# Without questions


async def test_a_script_is_asked_nothing(tmp_path):
    async with emulator("telegram") as server:
        (tmp_path / "token").write_text(f"{TOKEN}\n")
        config = tmp_path / "new" / "gateway.yaml"
        code, said = await run(
            config, "--yes", "--platform", "telegram", "--token-file", tmp_path / "token", "--admin",
            "telegram:12345", "--state-dir", "/srv/x", "--api-url", f"telegram={server.base_url}",
        )  # fmt: skip
        assert code == 0
        assert "Then write to @carryon_emulator_bot on Telegram." in said
        found = load(config, BARE)
        assert (found.access.admins, str(found.state_dir)) == (("telegram:12345",), "/srv/x")
        assert {call.method for call in server.calls.since()} == {"getMe", "getWebhookInfo"}
        before = everything(tmp_path)
        code, said = await run(
            config, "--yes", "--platform", "telegram", "--token-file", "-", "--offline", typed=TOKEN
        )
        assert code == 1
        assert "--force" in said
        assert everything(tmp_path) == before
        code, said = await run(
            config,
            "--yes",
            "--force",
            "--platform",
            "telegram",
            "--token-file",
            "-",
            "--offline",
            typed=TOKEN,
        )
        assert code == 0
        assert (config.parent / "gateway.yaml.bak").read_text() == before["new/gateway.yaml"][0]


async def test_tokens_of_the_environment(tmp_path, monkeypatch):
    async with emulator("slack") as slack, emulator("discord") as discord:
        discord.playground.channel(discord.playground.person())
        monkeypatch.setenv("SLACK_BOT_TOKEN", slack.bot_token)
        monkeypatch.setenv("SLACK_APP_TOKEN", slack.app_token)
        monkeypatch.setenv("DISCORD_BOT_TOKEN", discord.playground.settings()["token"])
        config = tmp_path / "gateway.yaml"
        code, _ = await run(
            config, "--yes", "--platform", "slack", "--platform", "discord",
            "--api-url", f"slack={slack.api_url}", "--api-url", f"discord={discord.api_url}",
        )  # fmt: skip
        assert code == 0
        assert tuple(load(config, BARE).accounts) == ("slack", "discord")
        assert slack.socket.connected == 0


@pytest.mark.parametrize(
    ("arguments", "typed", "word"),
    [
        ((), "", "--platform"),
        (("--platform", "icq"), "", "no platform 'icq'"),
        (("--platform", "telegram"), "", "TELEGRAM_BOT_TOKEN"),
        (("--platform", "telegram", "--token-file", "/no/such/file"), "", "cannot be read"),
        (("--platform", "telegram", "--token-file", "-"), "", "one token"),
        (("--platform", "telegram", "--token-file", "-"), "two PLANTED", "one token"),
        (("--platform", "telegram", "--token-file", "-"), "PLANTED", "TELEGRAM_BOT_TOKEN: a bot token is"),
        (("--platform", "slack", "--token-file", "-"), "xoxb-PLANTED", "SLACK_BOT_TOKEN="),
        (
            ("--platform", "slack", "--token-file", "SLACK_BOT_TOKEN=-"),
            "xoxb-PLANTED",
            "SLACK_APP_TOKEN",
        ),
        (("--platform", "telegram", "--agent", "hal"), "", "no agent 'hal'"),
        (("--platform", "telegram", "--admin", "telegram:*"), "", "--admin telegram:*"),
        (("--platform", "telegram", "--admin", "slack:U123"), "", "--admin slack:U123"),
        (("--platform", "telegram", "--token-file", "-", "--api-url", "x"), TOKEN, "--api-url"),
        (("--platform", "telegram", "--token-file", "-", "--api-url", "telegram=x"), TOKEN, "--api-url"),
    ],
)
async def test_wrong_usage(tmp_path, arguments, typed, word):
    code, said = await run(tmp_path / "gateway.yaml", "--yes", "--offline", *arguments, typed=typed)
    assert code == UsageError.exit_code
    assert word in said
    assert list(tmp_path.iterdir()) == []


async def test_a_token_that_is_refused_writes_nothing(tmp_path):
    async with TelegramEmulator(TelegramOptions(tokens=("1:another-bots",))) as server:
        arguments = ("--yes", "--platform", "telegram", "--token-file", "-")
        there = ("--api-url", f"telegram={server.base_url}")
        code, said = await run(tmp_path / "g.yaml", *arguments, *there, typed=TOKEN)
    assert code == 1
    assert "does not know the bot token" in said
    assert list(tmp_path.iterdir()) == []


# With questions


async def test_a_person_is_asked(tmp_path):
    """The wrong things are typed first, each is said to be wrong, and what is right in the end counts."""
    typed = [
        "icq", "telegram, slack",
        "rubbish", TOKEN,
        "xapp-PLANTED-in-the-wrong-place", "xoxb-PLANTED-bot", "xapp-PLANTED-app",
        "hal", "demo",
        "@ann", "12345", "",
        "n",
        "./elsewhere",
    ]  # fmt: skip
    async with emulator("telegram") as telegram, emulator("slack") as slack:
        code, said = await run(
            tmp_path / "gateway.yaml",
            "--api-url", f"telegram={telegram.base_url}",
            "--api-url", f"slack={slack.api_url}",
            typed="\n".join([*typed, ""]),
        )  # fmt: skip
    assert code == 0, said
    for word in ("@carryon_emulator_bot", "this looks like an app-level token", "not installed", "doctor"):
        assert word in said
    config = load(tmp_path / "gateway.yaml", BARE)
    assert tuple(config.accounts) == ("telegram", "slack")
    assert config.accounts["slack"].app_token.get_secret_value() == "xapp-PLANTED-app"
    assert (config.access.default, config.access.admins) == ("deny", ("telegram:12345",))
    assert config.state_dir == tmp_path / "elsewhere"


async def test_a_refused_token_can_be_typed_again_asked_again_or_kept(tmp_path):
    async with TelegramEmulator(TelegramOptions(tokens=(TOKEN,))) as server:
        there = ("--platform", "telegram", "--api-url", f"telegram={server.base_url}")
        rest = ["demo", "", "", ""]
        wrong = "7:PLANTED-other"
        code, said = await run(
            tmp_path / "new.yaml", *there, typed="\n".join([wrong, "what", "new", TOKEN, *rest])
        )
        assert (code, load(tmp_path / "new.yaml", BARE).accounts["telegram"].token.get_secret_value()) == (
            0,
            TOKEN,
        )
        assert "does not know the bot token" in said
        code, _ = await run(tmp_path / "keep.yaml", *there, typed="\n".join([wrong, "k", *rest]))
        assert (code, load(tmp_path / "keep.yaml", BARE).accounts["telegram"].token.get_secret_value()) == (
            0,
            wrong,
        )
        server.faults.add(Fault(FaultKind.SERVER_ERROR, "getMe"))
        code, said = await run(tmp_path / "again.yaml", *there, typed="\n".join([TOKEN, "again", *rest]))
        assert code == 0
        assert "failing" in said
        assert "That is @" in said


@pytest.mark.parametrize(("answer", "used"), [("y", TOKEN), ("n", "7:PLANTED-other")])
async def test_a_token_of_the_environment_is_asked_for(tmp_path, monkeypatch, answer, used):
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", TOKEN)
    typed = [answer, *([used] if answer == "n" else []), "demo", "", "", ""]
    code, said = await run(tmp_path / "g.yaml", "--offline", "--platform", "telegram", typed="\n".join(typed))
    assert code == 0
    assert "TELEGRAM_BOT_TOKEN" in said
    assert load(tmp_path / "g.yaml", BARE).accounts["telegram"].token.get_secret_value() == used


@pytest.mark.parametrize("lines", range(6))
async def test_who_stops_answering_has_changed_nothing(tmp_path, lines):
    typed = ["y", "telegram", TOKEN, "demo", "12345", "y"][:lines]
    (tmp_path / "gateway.yaml").write_text("old: 1\n")
    before = everything(tmp_path)
    code, _ = await run(tmp_path / "gateway.yaml", "--offline", typed="".join(f"{line}\n" for line in typed))
    assert code == 1
    assert everything(tmp_path) == before
    assert len(list(tmp_path.iterdir())) == 1


async def test_a_file_is_not_replaced_unless_a_person_says_so(tmp_path):
    config = tmp_path / "gateway.yaml"
    config.write_text("old: 1\n")
    for typed in ("n\n", "\n"):
        assert (await run(config, "--offline", typed=typed))[0] == 1
        assert config.read_text() == "old: 1\n"
    code, _ = await run(config, "--offline", typed=f"y\ntelegram\n{TOKEN}\ndemo\n\n\n")
    assert code == 0
    assert (tmp_path / "gateway.yaml.bak").read_text() == "old: 1\n"
    assert load(config, BARE).accounts


@pytest.mark.parametrize("how", ["argument", "option", "environment", "nothing", "a directory"])
def test_where_it_is_written(tmp_path, monkeypatch, capsys, how):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", TOKEN)
    words = ["init", "--yes", "--offline", "--platform", "telegram"]
    expected = tmp_path / ("gateway.yaml" if how == "nothing" else "own file.yaml")
    if how == "argument":
        words.insert(1, str(expected))
    elif how == "option":
        words = ["--config", str(expected), *words]
    elif how == "environment":
        monkeypatch.setenv("CARRYON_CONFIG", str(expected))
    elif how == "a directory":
        words.insert(1, str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["carryon", *words])
    with pytest.raises(SystemExit) as ended:
        sys.exit(cli.main())
    assert bool(ended.value.code) == (how == "a directory")
    assert expected.exists() == (how != "a directory")
    said = "".join(capsys.readouterr())
    assert "PLANTED" not in said
    if how != "a directory":  # what is to be typed next can be copied
        (line,) = [one for one in said.splitlines() if one.endswith(" run")]
        assert shlex.split(line)[2].endswith(expected.name)


@pytest.mark.parametrize("arguments", [[], ["--yes", "--platform", "telegram", "--token-file", "-"]])
def test_without_a_standard_input(tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(sys, "argv", ["carryon", "init", str(tmp_path / "g.yaml"), *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert "standard input is closed" in capsys.readouterr().err
    assert everything(tmp_path) == {}
