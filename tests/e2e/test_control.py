"""The control socket: for its owner alone, always there, and not to be hurt."""

import socket
import stat

from gateway.console.address import socket_path
from gateway.operate import ELSEWHERE
from tests.e2e.carryon import carryon, raw, request, status

GARBAGE = [
    b"\x00\x01\x02 garbage\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"POST /stop HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
]
WRONG_STOPS = [
    b"",
    b"not json",
    b"[1, 2]",
    b"null",
    b'"stop"',
    b'{"wait": -1}',
    b'{"wait": "soon"}',
    b'{"wait": NaN}',
    b'{"wait": Infinity}',
    b'{"wait": 1e300}',
    b'{"wait": []}',
    b'{"intent": "explode"}',
    b"\xff\xfe",
]


async def test_nothing_that_is_said_to_it_hurts(stage):
    ann = stage.chat("Ann")
    gateway = await stage.start()
    await gateway.logged("boot.started")
    path = socket_path(stage.folder / "state")
    assert path == stage.folder / "state" / "control.sock"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    stage.tolerated.add("library")  # the HTTP server logs what it could not read
    for data in GARBAGE:
        assert b" 400 " in (await raw(stage, data)).partition(b"\r\n")[0]
    for body in WRONG_STOPS:
        code, answer = await request(stage, "POST", "/stop", body)
        assert (code, answer["done"]) == (400, False), body
    for thing, action in (("sessions", "resume"), ("sessions", "reset"), ("deliveries", "drop")):
        for number in (0, 99, -1, 2**63, 10**19):
            code, answer = await request(stage, "POST", f"/{thing}/{number}/{action}")
            assert (code, answer["done"]) == (409, False), (thing, number)
            assert str(number) in answer["text"]
    assert (await request(stage, "GET", "/nowhere"))[0] == 404
    assert (await request(stage, "POST", "/sessions/x/resume"))[0] == 404
    assert (await request(stage, "GET", "/stop"))[0] == 405
    code, answer = await request(stage, "POST", "/undrain")
    assert (code, answer["done"]) == (409, False)

    found = await status(stage)
    assert (found["phase"], found["intent"], found["deadline"]) == ("serving", None, None)
    assert (found["pid"], found["ledger_writable"], found["running"]) == (gateway.pid, True, [])
    asked = gateway.log.find("operator.asked", what="sessions/99/resume")
    assert asked is not None
    assert asked["done"] is False
    account = {"name": "telegram", "connected": True, "why": "", "found": 0, "too_old": 0}
    assert found["accounts"] == [account]
    await stage.ask(ann, "hello there")
    await stage.ask(ann, "and again")
    ann.check()
    assert (await status(stage))["continued"] == {"live": 1, "fresh": 1}
    assert "conversations opened: 1 live, 1 fresh" in (await carryon(stage, "status")).out
    assert await gateway.stop() == 0
    assert not path.exists()


async def test_a_socket_file_that_was_left_over_is_replaced(stage):
    gateway = await stage.start()
    await gateway.kill()
    path = socket_path(stage.folder / "state")
    assert path.exists()
    assert (await carryon(stage, "status")).code == 3

    await stage.start()
    assert (await status(stage))["phase"] == "serving"


async def test_a_state_directory_too_deep_for_a_socket(stage):
    deep = stage.folder.joinpath(*["a-rather-long-name-of-a-folder"] * 5)
    stage.configure(state_dir=str(deep))
    gateway = await stage.start()
    path = socket_path(deep)
    try:
        assert path.parent != deep
        assert len(str(path)) < 108
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        said = await carryon(stage, "status", "--json")
        assert said.values["pid"] == gateway.pid
        assert await gateway.stop() == 0
        assert not path.exists()
    finally:
        path.unlink(missing_ok=True)


async def test_without_a_socket_the_chats_are_served_all_the_same(stage):
    ann = stage.chat("Ann")
    path = stage.folder / "state" / "control.sock"
    path.mkdir(parents=True)
    gateway = await stage.start()
    await gateway.logged("control.unavailable")
    await stage.ask(ann, "hello there")
    assert await gateway.stop() == 0
    assert path.is_dir()


async def test_no_gateway_is_running(stage):
    said = await carryon(stage, "status")
    where = stage.folder / "state"
    assert (said.code, said.out) == (3, f"No gateway is running on {where}, and none ever was. {ELSEWHERE}")
    assert (await carryon(stage, "status", "--json")).values == {"up": False, "ledger": None}
    for words in (("drain",), ("undrain",), ("restart", "--wait", "3s")):
        said = await carryon(stage, *words)
        assert said.code == 1
        assert "no gateway is running" in said.err


async def test_what_listens_but_does_not_answer_is_no_gateway(stage):
    path = socket_path(stage.folder / "state")
    path.parent.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as deaf:
        deaf.bind(str(path))
        assert (await carryon(stage, "status")).code == 3
