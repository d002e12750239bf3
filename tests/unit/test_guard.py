"""Who may ask the HTTP server, and for what."""

import asyncio
import contextlib
import gc
import json
import logging
import socket

import pytest
from aiohttp import web

from gateway.console import guard as rules
from gateway.console.connections import LARGEST_HEAD, LARGEST_REQUEST
from gateway.console.exchange import Exchange
from gateway.console.health import routes as health_routes
from gateway.console.passes import LIFETIME, Passes
from gateway.console.server import IDLE_SECONDS, HttpSettings, serve_http
from tests.helpers.clock import ManualClock
from tests.helpers.watched import KEY, TOKEN, watched

BEARER = {"Authorization": f"Bearer {TOKEN}"}
WRONG = {"Authorization": "Bearer a-token-of-wrong-sort"}
HERE = {"Sec-Fetch-Site": "same-origin"}
HTML = {"Accept": "text/html"}


async def test_on_this_machine_it_answers_to_this_machines_names_only():
    async with watched(host="127.0.0.1") as it:
        for name in ("localhost", "127.0.0.1", "[::1]", "LOCALHOST"):
            for port in (f":{it.port}", ":9000", ""):  # a tunnel has a port of its own
                assert (await it.ask("GET", "/page", headers={"Host": name + port})).status == 200, name
        for name in ("evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "", "[::1", "x:y:z"):
            answer = await it.ask("GET", "/page", headers={"Host": name})
            assert answer.status == 421, name
            assert "127.0.0.1" in answer.text
        for path in ("/readyz", "/metrics", "/login"):
            assert (await it.ask("GET", path, headers={"Host": "evil.example"})).status == 421, path


async def test_elsewhere_any_name_will_do():
    async with watched(TOKEN, loopback=False) as it:
        answer = await it.ask("GET", "/page", headers={"Host": "gateway.example", **BEARER})
        assert answer.status == 200


async def test_without_the_token_there_is_nothing_to_see():
    async with watched(TOKEN) as it:
        for path in ("/page", "/slow", "/bug", "/metrics", "/nowhere", "//login", "/login/", "/healthz/x"):
            answer = await it.ask("GET", path)
            assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="carryon"'), (
                path
            )
            assert TOKEN not in answer.text
        assert (await it.ask("GET", "/page", headers=HTML)).status == 303
        assert (await it.ask("POST", "/deed", headers=HTML | HERE)).status == 401
        assert (await it.ask("GET", "/page", headers=BEARER)).status == 200
        assert (await it.ask("GET", "/page", headers={"Authorization": f"bearer  {TOKEN} "})).status == 200
        for given in (
            "",
            TOKEN,
            f"Basic {TOKEN}",
            f"Bearer {TOKEN}x",
            "Bearer",
            "Bearer \xe9\xff",
            "Bearer " * 90,
        ):
            answer = await it.ask("GET", "/page", headers={"Authorization": given})
            assert answer.status == 401, given
        assert it.done == []


async def test_wrong_tokens_are_not_looked_at_for_ever():
    async with watched(TOKEN) as it:
        for _ in range(rules.WRONG_TOKENS.count):
            assert (await it.ask("GET", "/page", headers=WRONG)).status == 401
        answer = await it.ask("GET", "/page", headers=WRONG)
        assert answer.status == 429
        assert 0 < int(answer.headers["Retry-After"]) <= rules.WRONG_TOKENS.seconds
        # A stranger behind the same proxy keeps nobody out who has the right one.
        assert (await it.ask("GET", "/page", headers=BEARER)).status == 200
        assert (await it.ask("GET", "/page", headers=WRONG)).status == 429
        it.clock.advance(rules.WRONG_TOKENS.seconds + 1)
        assert (await it.ask("GET", "/page", headers=WRONG)).status == 401
        for _ in range(2 * rules.WRONG_TOKENS.count):  # right ones are not counted
            assert (await it.ask("GET", "/page", headers=BEARER)).status == 200


async def test_the_wrong_tokens_of_few_addresses_are_remembered():
    it = rules.Guard(rules.GuardParts("127.0.0.1", True, 1, TOKEN, KEY, ManualClock()))
    for number in range(rules.ADDRESSES + 50):
        it._window(f"10.0.{number // 256}.{number % 256}")
    assert len(it._wrong) == rules.ADDRESSES


async def login(it, token=TOKEN, headers=HERE, csrf=None):
    known = await login_csrf(it)
    form = {"token": token, "csrf": known if csrf is None else csrf}
    return await it.ask("POST", "/login", data=form, headers=headers)


async def test_a_browser_signs_in_and_out():
    async with watched(TOKEN) as it:
        page = await it.ask("GET", "/login", headers=HTML)
        assert page.status == 200
        assert "<script" not in page.text
        assert (await it.ask("GET", "/login.css")).status == 200

        wrong = await login(it, "a-token-of-wrong-sort")
        assert wrong.status == 403
        assert "not the token" in wrong.text
        assert (await it.ask("GET", "/page")).status == 401

        right = await login(it)
        assert (right.status, right.headers["Location"]) == (303, "/")
        cookie = right.headers["Set-Cookie"]
        assert {"HttpOnly", "SameSite=Strict", f"Max-Age={LIFETIME}"} <= set(cookie.split("; "))
        assert "Secure" not in cookie
        assert TOKEN not in cookie
        assert (await it.ask("GET", "/page")).status == 200
        assert (await it.ask("GET", "/login")).status == 303

        csrf = await it.token()
        assert (await it.ask("POST", "/deed", headers=HERE | {"X-CSRF-Token": csrf}, data="x")).status == 200
        left = await it.ask("POST", "/logout", headers=HERE, data={"csrf": csrf})
        assert (left.status, left.headers["Location"]) == (303, "/login")
        assert (await it.ask("GET", "/page")).status == 401
        assert it.done == ["x"]


async def test_nobody_is_signed_in_by_a_page_of_somebody_else():
    async with watched(TOKEN) as it:
        assert (await login(it, headers={"Sec-Fetch-Site": "cross-site"})).status == 403
        assert (await login(it, csrf="0" * 64)).status == 403
        assert (await it.ask("GET", "/page")).status == 401


async def test_the_login_page_guesses_as_often_as_others():
    async with watched(TOKEN) as it:
        for _ in range(rules.WRONG_TOKENS.count):
            assert (await login(it, "wrong")).status == 403
        assert (await login(it, "wrong")).status == 429
        assert (await login(it)).status == 303


async def test_behind_a_proxy_with_tls_the_cookie_goes_by_tls_only():
    async with watched(TOKEN) as it:
        right = await login(it, headers=HERE | {"X-Forwarded-Proto": "https"})
        assert "Secure" in right.headers["Set-Cookie"].split("; ")


def test_a_cookie_cannot_be_made_up():
    passes, now = Passes(KEY, TOKEN), 1_000_000.0
    given = passes.give(now, signed_in=True)
    cookie = passes.write(given)
    assert passes.read(cookie, now) == given
    visitor = passes.write(passes.give(now, signed_in=False))
    found = passes.read(visitor, now)
    assert found is not None
    assert not found.signed_in
    kind, issued, nonce, seal = cookie.split(".")
    assert kind == "in"
    made_up = [
        "",
        "....",
        "in",
        f"in.{issued}.{nonce}.",
        f"in.{issued}.{nonce}.{seal[:-1]}{'0' if seal[-1] != '0' else '1'}",
        f"in.{int(issued) + 1}.{nonce}.{seal}",
        f"in.{issued}.{nonce}.\udce9",
        visitor.replace("out.", "in."),
    ]
    for other in made_up:
        assert passes.read(other, now) is None, other
    assert passes.read(cookie, now + LIFETIME - 1) is not None
    assert passes.read(cookie, now + LIFETIME) is None
    assert passes.read(cookie, now - 3600) is None
    assert Passes(KEY, TOKEN).read(cookie, now) == given, "it outlives the process"
    assert Passes(KEY, TOKEN + "2").read(cookie, now) is None, "but not the token"
    assert Passes(b"other" * 8, TOKEN).read(cookie, now) is None
    assert passes.csrf(passes.give(now, signed_in=True)) != passes.csrf(given)
    assert TOKEN not in cookie


REFUSED = [
    {},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
]


@pytest.mark.parametrize("token", [None, TOKEN])
async def test_only_a_page_of_this_server_does_something(token):
    async with watched(token) as it:
        known = BEARER if token else {}
        csrf = {"X-CSRF-Token": await it.token(headers=known)}
        for headers in REFUSED:
            assert (await it.ask("POST", "/deed", headers=known | csrf | headers)).status == 403, headers
        # What the browser says of itself goes before what it says of the page.
        other = {"Origin": it.origin, "Sec-Fetch-Site": "cross-site"}
        assert (await it.ask("POST", "/deed", headers=known | csrf | other)).status == 403
        assert it.done == []
        for headers in (HERE, {"Origin": it.origin}):
            assert (await it.ask("POST", "/deed", headers=known | csrf | headers)).status == 200, headers
        assert len(it.done) == 2


async def test_nobody_is_not_the_same_as_nobody():
    async with watched(TOKEN, loopback=False) as it:
        nameless = {"Host": "", "X-CSRF-Token": await it.token(headers=BEARER)}
        for headers in ({}, {"Origin": "null"}, {"Origin": ""}):
            answer = await it.ask("POST", "/deed", headers=BEARER | nameless | headers)
            assert answer.status == 403, headers
        assert it.done == []


@pytest.mark.parametrize("token", [None, TOKEN])
async def test_whatever_changes_something_needs_the_csrf_token(token):
    async with watched(token) as it:
        known = HERE | (BEARER if token else {})
        assert (await it.ask("POST", "/deed", headers=known)).status == 403, "nor a cookie"
        csrf = await it.token(headers=known)
        assert csrf == await it.token(headers=known), "each page of the same browser has the same"
        wrong = [{}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "0" * 64}, {"X-CSRF-Token": csrf[:-1]}]
        for headers in wrong:
            assert (await it.ask("POST", "/deed", headers=known | headers)).status == 403, headers
        assert (await it.ask("POST", "/deed", headers=known, data={"csrf": "x"})).status == 403
        for method in ("PUT", "PATCH", "DELETE", "PROPFIND"):
            assert (await it.ask(method, "/deed", headers=known)).status == 403, method
        assert it.done == []
        assert (await it.ask("POST", "/deed", headers=known, data={"csrf": csrf})).status == 200
        assert (await it.ask("POST", "/deed", headers=known | {"X-CSRF-Token": csrf})).status == 200
        it.session.cookie_jar.clear()
        answer = await it.ask("POST", "/deed", headers=known | {"X-CSRF-Token": csrf})
        assert answer.status == 403, "somebody else's token"


async def test_a_page_that_is_open_goes_on_after_a_restart():
    async with watched() as it:
        csrf = await it.token()
        (cookie,) = it.session.cookie_jar
        cookies, sent = {f"carryon-{0}": cookie.value}, {"X-CSRF-Token": csrf} | HERE
    async with watched() as it:
        assert (await it.ask("POST", "/deed", headers=sent, cookies=cookies)).status == 200


PAGES = (("/page", 200), ("/nowhere", 404), ("/bug", 500), ("/unreadable", 503), ("/login", 303))


async def test_every_answer_says_how_it_is_to_be_handled(caplog):
    async with watched() as it:
        for path, status in PAGES:
            answer = await it.ask("GET", path)
            assert answer.status == status
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Server"] == "carryon"
        assert (await it.ask("GET", "/bug")).text.count("\n") < 4
        assert "secret of the inside" not in (await it.ask("GET", "/bug", headers=HTML)).text
        assert "Traceback" not in (await it.ask("GET", "/bug", headers=HTML)).text
        answer = await it.ask("GET", "/nowhere", headers={"Accept": "application/json"})
        assert json.loads(answer.text) == {"error": "There is nothing at this address."}
        assert (
            await it.ask("POST", "/page", headers=HERE | {"X-CSRF-Token": await it.token()})
        ).status == 405


async def test_what_is_no_http_is_refused_without_a_word_in_the_log(caplog):
    caplog.set_level(logging.WARNING, logger="carryon.http")  # whatever another test made of the root's
    async with watched() as it:
        for data in (
            b"\x00\x16\x03 hello\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\x1b]0;y\r\n\r\n",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
            writer.write(data)
            answer = await reader.read()
            assert b" 400 " in answer.partition(b"\r\n")[0], data
            assert b"Server: carryon\r\n" in answer
            for word in (b"aiohttp", b"Python", b"hello", b"9.9", b"\x1b"):
                assert word not in answer, data
            writer.close()
        assert caplog.records == []
        assert (await it.ask("GET", "/bug")).status == 500
        assert [record.name for record in caplog.records] == ["carryon.http"]


FORM = "application/x-www-form-urlencoded"
NONSENSE = [
    ({"Content-Type": f"{FORM}; charset=nonsense"}, b"csrf=1"),
    ({"Content-Type": f"{FORM}; charset=hex"}, b"csrf=1"),
    ({"Content-Type": f"{FORM}; charset=ascii"}, b"csrf=\xff"),
    ({"Content-Type": FORM}, b"csrf=\xff\xfe"),
    ({"Content-Type": "multipart/form-data"}, b"csrf=1"),
    ({"Content-Type": "multipart/form-data; boundary=x"}, b"--y\r\n\r\n"),
    ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x\r\nContent-Encoding: odd\r\n\r\nz\r\n--x--"),
    ({"Content-Type": FORM, "Content-Encoding": "gzip"}, b"no gzip"),
    ({"Content-Type": FORM, "Content-Encoding": "deflate"}, b"no gzip"),
    ({"Content-Encoding": "gzip"}, b"no gzip"),
]


@pytest.mark.parametrize("path", ["/login", "/deed"])
async def test_a_body_that_is_nonsense_is_refused_without_a_word_in_the_log(path, caplog):
    async with watched(TOKEN if path == "/login" else None) as it:
        csrf = {"X-CSRF-Token": (await login_csrf(it)) if path == "/login" else await it.token()}
        for headers, body in NONSENSE:
            for known in ({}, csrf):
                answer = await post_raw(it, path, HERE | headers | known, body)
                assert answer[:3] == b"400", (headers, known, answer)
            await post_raw(it, "/healthz", headers, body, "GET")
        assert it.done == []
        assert caplog.records == []


async def login_csrf(it):
    page = await it.ask("GET", "/login", headers=HTML)
    return page.text.partition('name="csrf" value="')[2].partition('"')[0]


async def post_raw(it, path, headers, body, method="POST"):
    """The status line of the answer, and the connection ended: a client would not send this."""
    cookies = "; ".join(f"{one.key}={one.value}" for one in it.session.cookie_jar)
    more = {"Host": "localhost", "Connection": "close", "Content-Length": str(len(body)), "Cookie": cookies}
    head = "".join(f"{name}: {value}\r\n" for name, value in (more | headers).items())
    reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
    writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
    answer = await reader.read()
    writer.close()
    return answer.partition(b" ")[2]


END = b"\r\n\r\n"
START = b"GET /page HTTP/1.1\r\nHost: localhost\r\nX-Long: "
FIELDS = b"".join(b"X-%d: %s\r\n" % (number, b"y" * 8000) for number in range(6))


async def talk(it, *parts):
    """Everything that is answered to that, piece by piece, until the connection is ended from there."""
    reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
    with contextlib.suppress(ConnectionError):
        for part in parts:
            writer.write(part)
            await writer.drain()
            await it.ask("GET", "/login")  # by now it has been read
    answer = await reader.read()
    writer.close()
    return answer


def parsed(monkeypatch):
    """How many bytes come to be held by the reader of requests, connection by connection."""
    came, real = {}, Exchange.data_received

    def data_received(self, data):
        came[id(self)] = came.get(id(self), 0) + len(data)
        real(self, data)

    monkeypatch.setattr(Exchange, "data_received", data_received)
    return came


async def test_what_comes_before_a_request_is_complete_is_bounded(monkeypatch, caplog):
    came = parsed(monkeypatch)
    async with watched(TOKEN) as it:
        for parts in (
            [START + b"z\r\n" + FIELDS],
            [START, *(b"z" * 8000 + b"\r\nX-More: " for _ in range(6))],
            [START + b"z\r\n" + FIELDS + END],
        ):
            answer = await talk(it, *parts)
            assert answer.startswith(b"HTTP/1.1 431 "), parts[0][:80]
            assert b"zz" not in answer
        assert max(came.values()) <= LARGEST_HEAD
        # One that is long, and not too long, comes in pieces like any other; and so does the one after it.
        long = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + FIELDS[: FIELDS.index(b"X-3")]
        last = long + b"Connection: close\r\n\r\n"
        answer = await talk(it, long + b"\r", b"\n" + long, END[2:] + last[:9000], last[9000:])
        assert answer.count(b"HTTP/1.1 404 ") + answer.count(b"HTTP/1.1 401 ") == 3
    assert caplog.records == []


async def test_nothing_without_end_is_kept_behind_a_request(monkeypatch):
    came = parsed(monkeypatch)
    asked = b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with watched() as it:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
        writer.write(asked)
        await it.entered.wait()
        for part in (asked, START):
            writer.write(part + FIELDS * 10)
        writer.write(FIELDS)
        await writer.drain()
        for _ in range(3):
            await alive(it)
        assert LARGEST_HEAD < max(came.values()) <= len(asked) + LARGEST_REQUEST
        writer.close()
        assert reader


def ended():
    return [one for one in gc.get_objects() if isinstance(one, Exchange) and one.transport is None]


async def test_nothing_is_kept_of_a_connection_that_has_ended():
    gc.collect()
    gc.disable()  # it would find them, some minutes later
    try:
        async with watched() as it:
            assert b" 400 " in await talk(it, b"GET / HTTP/9.9\r\n\r\n")
            assert b" 431 " in await talk(it, START + b"z\r\n" + FIELDS)
            _, writer = await asyncio.open_connection("127.0.0.1", it.port)
            writer.write(START)
            _, behind = await asyncio.open_connection("127.0.0.1", it.port)
            behind.write(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await it.entered.wait()
            behind.write(b"GET / HTTP/9.9\r\n\r\n")
            await alive(it)
            writer.close()
            behind.close()
            for _ in range(3):
                await alive(it)
            assert ended() == []
    finally:
        gc.enable()


async def test_bodies_are_bounded():
    async with watched() as it:
        sent = HERE | {"X-CSRF-Token": await it.token()}
        assert (await it.ask("POST", "/deed", headers=sent, data=b"x" * 65_000)).status == 200
        assert (await it.ask("POST", "/deed", headers=sent, data=b"x" * 70_000)).status == 413

        async def endless():
            while True:
                yield b"x" * 1000

        assert (await it.ask("POST", "/deed", headers=sent, data=endless())).status == 413
        assert len(it.done) == 1


async def test_a_body_that_does_not_come_is_not_waited_for():
    async with watched() as it:
        reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
        head = "POST /deed HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\n"
        head += "Content-Length: 9\r\n\r\n"
        writer.write(head.encode() + b"abc")
        await writer.drain()
        await it.ask("GET", "/page")  # by now the other one waits
        it.clock.advance(rules.BODY_SECONDS + 1)
        assert b" 408 " in await reader.readline()
        writer.close()


async def test_a_stop_waits_for_nobody():
    async with watched() as it:
        slow = asyncio.ensure_future(it.ask("GET", "/slow"))
        await it.entered.wait()
        silent = [await asyncio.open_connection("127.0.0.1", it.port) for _ in range(3)]
        half = await asyncio.open_connection("127.0.0.1", it.port)
        half[1].write(b"POST /deed HTTP/1.1\r\nHost: localhost\r\nContent-Le")
        async with asyncio.timeout(20):
            await it.stop()
        with pytest.raises(OSError):  # noqa: PT011  refused, or cut in the middle
            await slow
        for reader, writer in [*silent, half]:
            assert await reader.read() == b""
            writer.close()


def big(served=None):
    """A file that does not fit into what lies between two sockets."""

    async def handler(_request):
        if served is not None:
            served.set()
        return web.Response(body=b"x" * 8_000_000)

    return [web.get("/big", handler)]


async def unread(it, path="/big"):
    """A client that asks and does not read."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 * 1024)  # a small one is slow to read from
    made.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(made, ("127.0.0.1", it.port))
    await loop.sock_sendall(made, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 3)
    return made


async def alive(it):
    reader, writer = await asyncio.open_connection("127.0.0.1", it.port)
    writer.write(b"GET /page HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert b" 200 " in await reader.readline()
    writer.close()


async def cut(client):
    """Read what still comes; returns once the connection is at its end."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ConnectionError):
        while await loop.sock_recv(client, 1 << 20):
            pass
    client.close()


async def test_too_many_connections_do_not_keep_a_new_one_out(caplog, monkeypatch):
    monkeypatch.setattr("gateway.console.server.MOST_CONNECTIONS", 6)
    async with watched(routes=big()) as it:
        slow = await asyncio.open_connection("127.0.0.1", it.port)
        slow[1].write(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await it.entered.wait()
        greedy = [await unread(it) for _ in range(12)]
        silent = await asyncio.open_connection("127.0.0.1", it.port)
        await alive(it)
        for client in greedy[:6]:
            await cut(client)
        silent[1].close()
        assert not slow[0].at_eof(), "who is being served stays"
        slow[1].close()
        for client in greedy[6:]:
            client.close()
    assert caplog.records == []


async def test_when_all_are_being_served_the_oldest_makes_room(monkeypatch):
    monkeypatch.setattr("gateway.console.server.MOST_CONNECTIONS", 3)
    async with watched() as it:
        slow = []
        for _ in range(3):
            it.entered.clear()
            slow.append(await asyncio.open_connection("127.0.0.1", it.port))
            slow[-1][1].write(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await it.entered.wait()
        await alive(it)
        with contextlib.suppress(ConnectionError):
            assert await slow[0][0].read() == b""
        assert not any(reader.at_eof() for reader, _ in slow[1:])
        for _, writer in slow:
            writer.close()


async def test_an_answer_that_nobody_takes_ends_its_connection(caplog):
    served = asyncio.Event()
    async with watched(routes=big(served)) as it:
        client = await unread(it)
        await served.wait()
        await alive(it)  # by now the other one is being written to
        it.clock.advance(IDLE_SECONDS + 1)
        await alive(it)
        got, loop = 0, asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError):
            while part := await loop.sock_recv(client, 1 << 20):
                got += len(part)
        assert got < 8_000_000
        client.close()
    assert caplog.records == []


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid", "a..b", "192.0.2.1"])
async def test_an_address_that_cannot_be_had_is_one_line(host, monkeypatch):
    lines = []
    monkeypatch.setattr(
        "gateway.console.server._log.error", lambda action, **more: lines.append((action, more))
    )
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = HttpSettings(host, taken.getsockname()[1], True, None, KEY)
        await serve_http(settings, [], ManualClock())
    ((action, more),) = lines
    assert action == "http.unavailable"
    assert "http.listen" in more["then"]


async def test_health_is_open_and_nothing_else():
    operations = type("Nobody", (), {"status": None})()
    async with watched(TOKEN, routes=health_routes(operations)) as it:
        answer = await it.ask("GET", "/healthz")
        assert (answer.status, json.loads(answer.text)) == (200, {"alive": True})
        assert "Set-Cookie" not in answer.headers


def test_nothing_that_is_open_is_missing():
    assert {"/healthz", "/readyz", "/login", "/login.css"} == rules._OPEN
