"""Log lines: their shape, what they never contain, and that they never hurt the caller."""

import json
import logging
import os
import subprocess
import sys
import warnings

import pytest

from gateway import log

SECRET = "123456:the-real-bot'token"


def lines(captured: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    out, err = captured.readouterr()
    assert out == ""
    return [json.loads(line) for line in err.splitlines()]


def fail(error: Exception, cause: Exception | None = None) -> None:
    raise error from cause


def test_a_json_line(capfd: pytest.CaptureFixture[str]) -> None:
    logger = log.get(account="telegram")
    log.configure("json", "info")
    logger.info("boot.started", pid=7, none=None, parts=(1, {"a": 2.5}), ok=True)
    (line,) = lines(capfd)
    assert str(line.pop("timestamp")).endswith("Z")
    assert line == {
        "level": "info",
        "action": "boot.started",
        "account": "telegram",
        "pid": 7,
        "none": None,
        "parts": [1, {"a": 2.5}],
        "ok": True,
    }


def test_context_is_bound_once(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("json", "info")
    logger = log.get(boot=1).bind(session=2)
    logger.info("turn.started", turn=3)
    logger.warning("turn.failed")
    first, second = lines(capfd)
    assert (first["boot"], first["session"], first["turn"]) == (1, 2, 3)
    assert (second["boot"], second["session"], second["level"]) == (1, 2, "warning")


@pytest.mark.parametrize(("level", "count"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_levels(level: str, count: int, capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("json", level)  # pyright: ignore[reportArgumentType]
    logger = log.get()
    for write in (logger.debug, logger.info, logger.warning, logger.error):
        write("x.done")
    assert len(lines(capfd)) == count


class _Odd:
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    "value",
    [
        SECRET,
        f"before{SECRET}after",
        [{"a": (SECRET,)}],
        {SECRET: 1},
        {"deep": {"deep": {"deep": {"deep": {"deep": SECRET}}}}},
        {SECRET},
        SECRET.encode(),
        ValueError(SECRET),
        f"https://api.telegram.org/bot{SECRET}/getMe",
        "https://api.telegram.org/bot123456%3Athe-real-bot%27token/getMe",
        json.dumps([SECRET]),
        repr(SECRET),
        99887766,
        "99887766",
    ],
)
@pytest.mark.parametrize("shape", ["json", "console"])
def test_secrets_are_struck_out(value: object, shape: str, capfd: pytest.CaptureFixture[str]) -> None:
    log.configure(shape, "debug", [SECRET, "99887766", "no", ""])  # pyright: ignore[reportArgumentType]
    log.get(bound=value).info("send.done", value=value, notice="none")
    err = capfd.readouterr().err
    assert "notice" in err  # `no` is too short to be a secret
    assert "[redacted]" in err
    for spelling in ("the-real-bot", "99887766"):
        assert spelling not in err
    assert "send.done" in err


@pytest.mark.parametrize("shape", ["json", "console"])
def test_secrets_in_exceptions_are_struck_out(shape: str, capfd: pytest.CaptureFixture[str]) -> None:
    log.configure(shape, "debug", [SECRET])  # pyright: ignore[reportArgumentType]
    try:
        fail(RuntimeError("x" * 20_000 + SECRET), ValueError(SECRET))
    except RuntimeError as error:
        log.get().exception("turn.failed")
        log.get().error("turn.failed", exc_info=error)
        logging.getLogger("aiogram").exception("about %s", SECRET)
    err = capfd.readouterr().err
    assert err.count("[redacted]") >= 6
    assert "the-real-bot" not in err


def test_agent_session_ids_are_shortened(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("json", "info")
    whole = "0b9f6c1e-7f3a-4a52-9f04-c5d2a1e8b7aa"
    log.get(agent_session_id=whole).info(
        "x.y", old_agent_session_id=whole, more=[{"sessionId": whole}], session_id=5
    )
    log.get().info("x.y", agent_session_id="short")
    first, second = lines(capfd)
    assert first["agent_session_id"] == first["old_agent_session_id"] == "…a1e8b7aa"
    assert first["more"] == [{"sessionId": "…a1e8b7aa"}]
    assert first["session_id"] == 5
    assert second["agent_session_id"] == "short"


def test_no_traceback_for_people_unless_debug(capfd: pytest.CaptureFixture[str]) -> None:
    def told() -> str:
        try:
            fail(ValueError("what happened"))
        except ValueError:
            log.get().exception("turn.failed", turn=1)
        return capfd.readouterr().err

    log.configure("console", "info")
    assert told().count("\n") == 1
    log.configure("console", "debug")
    assert "Traceback (most recent call last)" in told()
    log.configure("json", "info")
    line = json.loads(told())
    assert line["error"] == "ValueError: what happened"
    assert line["traceback"].startswith("Traceback")
    assert line["traceback"].endswith("ValueError: what happened")


def test_a_console_line_shows_control_characters(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("console", "info")
    log.get().info("x.y", a="two words", b="\x1b[31m\r\n\u2028", c="", d=[1], e="ü", f='say "x"')
    err = capfd.readouterr().err
    assert err.endswith(
        ' info    x.y a="two words" b="\\u001b[31m\\r\\n\\u2028" c="" d=[1] e=ü f="say \\"x\\""\n'
    )
    assert err.count("\n") == 1
    assert "\x1b" not in err


def test_auto_is_json_where_there_is_no_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("auto", "info")
    log.get().info("x.y")
    assert lines(capfd)[0]["action"] == "x.y"


def test_libraries_go_the_same_way(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("json", "info", [SECRET])
    log.configure("json", "info", [SECRET])  # a second time adds no second handler
    root = logging.getLogger()
    root.handlers[:] = [ours for ours in root.handlers if type(ours).__module__ == log.__name__]
    library = logging.getLogger("aiogram.dispatcher")
    library.info("not shown")
    library.warning("token %s", SECRET)
    library.error("bad %s %s", "one")
    logging.getLogger("asyncio").critical("gone")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old thing", stacklevel=1)
    first, second, third, fourth = lines(capfd)
    assert first["action"] == second["action"] == "library"
    assert (first["logger"], first["level"]) == ("aiogram.dispatcher", "warning")
    assert first["message"] == "token [redacted]"
    assert second["message"] == "bad %s %s"
    assert (third["logger"], third["level"]) == ("asyncio", "critical")
    assert fourth["logger"] == "py.warnings"


def test_libraries_are_quiet_at_debug_too(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("json", "debug")
    logging.getLogger("aiohttp").info("not shown")
    assert lines(capfd) == []


def test_odd_values_do_not_hurt(capfd: pytest.CaptureFixture[str]) -> None:
    log.configure("json", "info")
    around: list[object] = []
    around.append(around)
    log.get().info("x.y", odd=_Odd(), nan=float("nan"), huge=10**5000, ring=around, half="\ud800", kind=int)
    (line,) = lines(capfd)
    assert (line["odd"], line["nan"], line["huge"], line["half"]) == ("<_Odd>", "nan", "<int>", "\ud800")


@pytest.mark.parametrize("state", ["closed", "broken", "missing", "full"])
def test_a_lost_standard_error_is_survived(state: str) -> None:
    code = f"""
import logging, os, sys
from gateway import log
state = {state!r}
if state == "missing":
    sys.stderr = None
log.configure("auto", "info")
if state == "closed":
    sys.stderr.close()
if state == "broken":
    read, write = os.pipe()
    os.dup2(write, 2)
    os.close(read)
if state == "full":
    os.dup2(os.open("/dev/full", os.O_WRONLY), 2)
for _ in range(3):
    log.get().info("x.y")
    logging.getLogger("aiogram").error("z")
print("alive")
sys.exit(75)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout, done.returncode) == ("alive\n", 75)


def test_nobody_who_reads_is_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "PATIENCE", 0.01)
    read, write = os.pipe()
    with os.fdopen(write, "w") as errors, os.fdopen(read, "rb", buffering=0) as reader:
        monkeypatch.setattr(sys, "stderr", errors)
        log.configure("json", "info")
        for number in range(3_000):
            log.get().info("turn.ended", number=number, text="x" * 100)
        seen = reader.read(1 << 20)
        log.get().info("after.all")
        seen += reader.read(1 << 20)
    *_, told, last = seen.decode().splitlines()
    kept = seen.count(b'"turn.ended"')
    assert told.endswith("lines were dropped: nobody read them")
    assert 3_000 - kept <= int(told.split()[1]) <= 3_000 - kept + 1, "one may have been halved"
    assert json.loads(last)["action"] == "after.all"


def test_before_it_is_configured_nothing_goes_to_standard_output():
    said = subprocess.run(
        [sys.executable, "-c", "from gateway import log; log.get().info('ledger.migrated', to=6)"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert (said.stdout, "ledger.migrated" in said.stderr) == ("", True)
