"""The page of `carryon demo --play`: who may do what on it, and what it shows. No gateway runs for that."""

import asyncio
import json
import re
import sys
from contextlib import asynccontextmanager
from types import SimpleNamespace

import aiohttp
import pytest

from adapters.emulators.telegram_playground import TOKEN
from gateway.demo.premises import Premises
from gateway.demo.room import Room
from gateway.demo.site import LONGEST, Site
from gateway.demo.stage import Stage
from tests.harness.waiting import glance, within

SLEEPER = (sys.executable, "-c", "import signal; signal.pause()")
ENDS_AT_ONCE = (sys.executable, "-c", "raise SystemExit(3)")


@asynccontextmanager
async def opened(tmp_path, monkeypatch, program=SLEEPER):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    premises = Premises(program)
    try:
        async with Stage(("telegram",)) as stage:
            premises.write_config(stage.accounts())
            room = Room(stage, premises)
            site = Site(room, stage.platforms)
            async with asyncio.TaskGroup() as group, aiohttp.ClientSession() as session:
                running = group.create_task(room.run())
                await site.start(0)
                try:
                    async with session.get(site.address) as answer:
                        html = await answer.text()
                    token = re.search(r'demo-token" content="([^"]+)"', html)[1]
                    yield SimpleNamespace(
                        room=room, site=site, stage=stage, session=session, html=html, token=token,
                        directory=premises.directory,
                    )  # fmt: skip
                finally:
                    await site.stop()
                    running.cancel()
    finally:
        premises.clear(keep=False)


@pytest.fixture
async def page(tmp_path, monkeypatch):
    async with opened(tmp_path, monkeypatch) as page:
        yield page


async def post(page, path, body, **headers):
    given = {"X-Demo-Token": page.token, **headers}
    async with page.session.post(page.site.address + path, json=body, headers=given) as answer:
        return answer.status, await answer.text()


def said(text, **more):
    return {"platform": "telegram", "place": "direct", "thread": "", "text": text, **more}


async def told(page, done, what):
    """Wait until the room has something to tell for which `done` holds."""
    return await within(page.room.news.until(lambda: done() or None), what)


def lines(page):
    return [line["text"] for line in page.room.snapshot()["lines"]]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1:1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"X-Demo-Token": "another"},
        {"X-Demo-Token": ""},
    ],
)
async def test_other_pages_may_do_nothing(page, headers):
    status, _ = await post(page, "say", said("Hello"), **headers)

    assert status == 403
    assert page.room.snapshot()["messages"] == []


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
async def test_other_pages_may_not_read_it(page, headers):
    async with page.session.get(page.site.address, headers=headers) as answer:
        assert answer.status == 403


async def test_the_news_need_the_token_too(page):
    async with page.session.get(page.site.address + "events?token=another") as answer:
        assert answer.status == 403


async def test_the_page_says_nothing_of_the_machine_and_loads_nothing_from_elsewhere(page):
    assert TOKEN not in page.html
    assert str(page.directory) not in page.html
    for name in ("", "page.css", "page.js"):
        async with page.session.get(page.site.address + name) as answer:
            assert answer.status == 200
            assert answer.headers["Content-Security-Policy"].startswith(
                "default-src 'none'; script-src 'self'"
            )
            assert answer.headers["Cache-Control"] == "no-store"
            assert not re.search(r"https?://", await answer.text())


async def test_a_person_writes_while_the_gateway_is_down(page):
    assert await post(page, "say", said("Is anybody there?")) == (200, "{}")
    await told(page, lambda: page.room.snapshot()["messages"], "the message on the page")

    (message,) = page.room.snapshot()["messages"]
    assert (message["text"], message["bot"]) == ("Is anybody there?", False)
    count = page.room.snapshot()["count"]
    assert (count["asked"], count["waiting"], count["lost"]) == (1, 1, 0)


async def test_in_a_channel_the_bot_is_mentioned(page):
    await post(page, "say", said("Hello", place="channel"))
    await told(page, lambda: page.room.snapshot()["messages"], "the message on the page")

    (message,) = page.room.snapshot()["messages"]
    assert message["place"] == "channel"
    assert re.fullmatch(r"@\w+ Hello", message["text"])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("say", said("")),
        ("say", said("x" * (LONGEST + 1))),
        ("say", said("Hello", platform="irc")),
        ("say", said("Hello", place="elsewhere")),
        ("say", {**said("Hello"), "text": 1}),
        ("say", [1]),
        ("press", {"platform": "telegram", "place": "direct", "message": "1", "label": "Go"}),
        ("gateway", {"do": "explode"}),
    ],
)
async def test_what_nobody_could_do_is_refused(page, path, body):
    status, why = await post(page, path, body)
    assert status == 400
    assert why.endswith(".") or path == "press"


async def test_buttons_make_sense_or_are_refused(page):
    assert (await post(page, "gateway", {"do": "kill"}))[0] == 409
    assert (await post(page, "gateway", {"do": "stop"}))[0] == 409
    assert (await post(page, "gateway", {"do": "start"}))[0] == 200
    assert (await post(page, "gateway", {"do": "start"}))[0] == 409
    status = page.room.snapshot()["status"]
    assert (status["phase"], status["accounts"]) == ("starting", {"telegram": "connecting"})

    assert (await post(page, "gateway", {"do": "kill"}))[0] == 200
    await told(page, lambda: "killed (signal SIGKILL)" in lines(page), "the kill in the timeline")
    status = page.room.snapshot()["status"]
    assert (status["phase"], status["pid"], status["accounts"]) == ("down", None, {"telegram": "down"})


async def test_a_gateway_that_ends_by_itself_is_told(tmp_path, monkeypatch):
    async with opened(tmp_path, monkeypatch, ENDS_AT_ONCE) as page:
        page.room.start()
        await told(
            page, lambda: "ended by itself (exit code 3); its log says why" in lines(page), "the end of it"
        )
        assert page.room.snapshot()["status"]["phase"] == "down"


async def test_a_press_reaches_the_bot(page):
    await post(page, "say", said("Hello"))
    chat = page.stage["telegram"].direct(page.room.person("telegram"))
    keyboard = {"inline_keyboard": [[{"text": "Continue", "callback_data": "go:1:1"}]]}
    api = f"{page.stage.accounts()['telegram']['api_url']}/bot{TOKEN}/sendMessage"
    async with page.session.post(
        api, json={"chat_id": chat, "text": "Go on?", "reply_markup": keyboard}
    ) as sent:
        assert sent.status == 200
    await told(page, lambda: len(page.room.snapshot()["messages"]) == 2, "both messages")
    asked = page.room.snapshot()["messages"][1]
    assert asked["labels"] == ["Continue"]

    place = {"platform": "telegram", "place": "direct"}
    assert (await post(page, "press", {**place, "message": asked["id"], "label": "Continue"}))[0] == 200

    assert page.stage["telegram"].events.since(0, frozenset({"press"}))


async def test_a_browser_is_told_all_there_is_and_then_what_is_new(page):
    async with page.session.get(f"{page.site.address}events?token={page.token}") as news:
        assert news.content_type == "text/event-stream"
        assert await within(news.content.readline(), "the first event") == b"event: snapshot\n"
        snapshot = json.loads((await news.content.readline())[6:])
        assert snapshot["status"]["phase"] == "down"
        assert snapshot["messages"] == []

        await post(page, "say", said("Hello"))
        seen = {}
        while "message" not in seen:
            line = await within(news.content.readline(), "the message")
            if line.startswith(b"event: "):
                kind = line[7:].strip().decode()
                seen[kind] = json.loads((await news.content.readline())[6:])
    assert seen["message"]["text"] == "Hello"


async def test_a_port_that_is_taken_is_told_and_nothing_else_is_harmed(page):
    taken = int(page.site.address.rsplit(":", 1)[1].strip("/"))
    another = Site(page.room, page.stage.platforms)
    with pytest.raises(OSError, match="address already in use"):
        await another.start(taken)
    await another.start(0)
    async with page.session.get(another.address) as answer:
        assert answer.status == 200
    await another.stop()


async def test_nothing_is_left_when_it_ends(tmp_path, monkeypatch):
    async with opened(tmp_path, monkeypatch) as page:
        page.room.start()
        process = page.room.keeper.process
    await within(glance(lambda: process.poll() is not None), "the gateway's end")
    assert list(tmp_path.iterdir()) == []
