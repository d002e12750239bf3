"""What is pressed on the operator page: asked first, done once, by whom it was asked, and logged."""

import asyncio
import re
import sqlite3
from contextlib import asynccontextmanager, closing

import pytest
from aiohttp import ClientSession, CookieJar
from structlog.testing import capture_logs

from gateway.console.page.rendering import STATIC, build
from gateway.console.page.tickets import MOST, Tickets
from gateway.model.operation import Done
from gateway.model.session import SessionState
from gateway.store.browsing import open_browsing
from gateway.store.sqlite import LEDGER_FILE
from tests.harness.secrecy import overheard
from tests.helpers.watching import history, ledger_at, origin, watched

HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
ODD = (
    ("/sessions/999", 404),
    ("/sessions/" + "9" * 40, 404),
    ("/sessions?before=-1", 200),
    ("/sessions?before=" + "9" * 40, 200),
    ("/sessions?q=%25_!%00%ff", 200),
    ("/sessions/1?before=x", 200),
    ("/restarts?limit=999999999", 200),
    ("/do/nothing", 404),
    ("/do/resume", 400),
    ("/do/resume?session=" + "9" * 30, 400),
    ("/do/resume?session=" + "9" * 5000, 400),
    ("/do/resume?session=%C2%B2", 400),
    ("/do/approve?code=X&role=owner", 400),
    ("/do/revoke?account=a", 400),
    ("/do/restart?wait=nan", 400),
    ("/static/README.md", 404),
    ("/static/..%2Fsite.py", 404),
    ("/?ticket=made-up", 200),
)
SAME = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
async def ledger(tmp_path):
    async with ledger_at(tmp_path) as made:
        yield made


@asynccontextmanager
async def visitor(ledger, **more):
    """A browser without scripts, on the page of a gateway with two idle sessions."""
    for who in ("2001", "2002"):
        await ledger.say("hello", who, origin=origin(who, "Ann"))
    async with (
        watched(ledger, **more) as it,
        ClientSession(it.address, cookie_jar=CookieJar(unsafe=True), trace_configs=[overheard()]) as web,
    ):
        yield it, web


async def fields(web, address):
    """The hidden fields of a question."""
    async with web.get(address) as answer:
        assert answer.status == 200
        return dict(HIDDEN.findall(await answer.text()))


async def post(web, verb, data, **headers):
    async with web.post(f"/do/{verb}", data=data, headers={**SAME, **headers}) as answer:
        return answer.status, await answer.text()


async def state(ledger, session):
    return (await ledger.store.session(session)).state


async def test_asking_does_nothing_and_answering_does_it(ledger):
    async with visitor(ledger) as (_, web):
        given = await fields(web, "/do/suspend?session=1")
        assert await state(ledger, 1) is SessionState.ACTIVE
        with capture_logs() as lines:
            status, text = await post(web, "suspend", given)
        assert (status, "Done:" in text) == (200, True)
        assert await state(ledger, 1) is SessionState.SUSPENDED
        (line,) = [line for line in lines if line["event"] == "page.acted"]
        assert (line["verb"], line["about"], line["done"]) == ("suspend", {"session": "1"}, True)


async def test_two_presses_at_once_are_one(ledger):
    async with visitor(ledger) as (it, web):
        given = await fields(web, "/do/reset?session=1")
        answers = await asyncio.gather(*(post(web, "reset", given) for _ in range(3)))
        assert {status for status, _ in answers} == {200}
        assert len({re.search("Done:.*", text)[0] for _, text in answers}) == 1
        assert len((await it.shelf.search("2001")).sessions) == 2


async def test_the_files_of_a_page_are_kept_by_a_browser_and_nothing_else_is(ledger):
    async with visitor(ledger) as (_, web):
        async with web.get("/") as page:
            text = await page.text()
            assert page.headers["Cache-Control"] == "no-store"
        named = re.findall(r'"(/static/[^"]+)"', text)
        assert len(set(named)) == len(STATIC)
        for address in named:
            async with web.get(address) as answer:
                assert answer.status == 200
                assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable", address
                assert "Set-Cookie" not in answer.headers
        for address in ("/static/page.css", "/static/page.css?0123456789ab", f"/static/none.css?{build()}"):
            async with web.get(address) as answer:
                assert answer.headers["Cache-Control"] == "no-store", address


@pytest.mark.parametrize(
    "odd",
    [{"ticket": ""}, {"ticket": "made-up"}, {"session": "2"}],
    ids=["no ticket", "a made-up ticket", "a ticket for another session"],
)
async def test_without_its_own_ticket_it_is_asked_again(ledger, odd):
    async with visitor(ledger) as (_, web):
        given = await fields(web, "/do/suspend?session=1")
        status, text = await post(web, "suspend", given | odd)
        assert (status, "Please look again" in text) == (200, True)
        assert [await state(ledger, one) for one in (1, 2)] == [SessionState.ACTIVE] * 2
        again = dict(HIDDEN.findall(text))
        assert "Done:" in (await post(web, "suspend", again))[1], "the question that is asked again counts"


async def test_a_ticket_is_for_one_kind_of_deed(ledger):
    async with visitor(ledger) as (_, web):
        given = await fields(web, "/do/suspend?session=1")
        assert "Please look again" in (await post(web, "reset", given))[1]
        assert await state(ledger, 1) is SessionState.ACTIVE


@pytest.mark.parametrize("odd", [{"csrf": ""}, {"csrf": "0" * 64}])
async def test_another_page_in_the_same_browser_does_nothing(ledger, odd):
    async with visitor(ledger) as (_, web):
        given = await fields(web, "/do/suspend?session=1")
        assert (await post(web, "suspend", given | odd))[0] == 403
        headers = {"Sec-Fetch-Site": "cross-site"}
        assert (await post(web, "suspend", given, **headers))[0] == 403
        assert await state(ledger, 1) is SessionState.ACTIVE


async def test_what_is_refused_is_said(ledger):
    async with visitor(ledger) as (_, web):
        given = await fields(web, "/do/retry?delivery=77")
        _, text = await post(web, "retry", given)
        assert "Not done:</strong> delivery 77 is neither held nor rejected" in text
        part = await post(web, "retry", given, **{"HX-Request": "true"})
        assert part == (200, re.search("<p class=.refused.*?</p>", text)[0]), (
            "by script it is a part of a page"
        )


async def test_odd_addresses(ledger):
    async with visitor(ledger) as (_, web):
        for address, status in ODD:
            async with web.get(address) as answer:
                found = (answer.status, "Traceback" in await answer.text())
            assert found == (status, False), address


async def test_a_ledger_that_cannot_be_read_is_said_and_the_rest_is_shown(ledger, tmp_path):
    (tmp_path / "empty.db").touch()
    async with open_browsing(tmp_path / "empty.db") as empty, visitor(ledger, shelf=empty) as (_, web):
        for path in ("/", "/sessions", "/sessions/1", "/restarts", "/speed", "/people"):
            async with web.get(path) as answer:
                assert (answer.status, "The ledger cannot be read" in await answer.text()) == (200, True), (
                    path
                )
        given = await fields(web, "/do/suspend?session=1")
        assert "Done:" in (await post(web, "suspend", given))[1], "and what is to be done is done"


@pytest.mark.parametrize("damage", ["origin = '{'", "last_mode = 'telepathic'"])
async def test_a_row_that_makes_no_sense_is_said_in_a_sentence(ledger, tmp_path, damage):
    async with visitor(ledger) as (_, web):
        with closing(sqlite3.connect(tmp_path / LEDGER_FILE, isolation_level=None)) as raw:
            raw.execute(f"UPDATE sessions SET {damage} WHERE id = 1")
        for path in ("/sessions", "/sessions/1"):
            async with web.get(path) as answer:
                text = await answer.text()
            assert (answer.status, "it holds what makes no sense here" in text) == (200, True), path
        async with web.get("/") as answer:
            assert answer.status == 200, "and the rest is shown"


async def test_law_12_how_a_conversation_was_continued_is_shown_with_its_reason(ledger):
    ids = await history(ledger)
    async with visitor(ledger) as (_, web):
        for path in (f"/sessions/{ids['gone_on']}", "/restarts"):
            async with web.get(path) as answer:
                shown = re.sub(r"<[^>]+>", "", await answer.text())
            assert re.search(r"native\b.*\(the agent replayed 1 turn\)", shown), path


async def test_a_deed_outlives_who_asked_for_it():
    tickets, begun, go_on = Tickets(), asyncio.Event(), asyncio.Event()

    async def deed():
        begun.set()
        await go_on.wait()
        return Done("it is done")

    ticket = tickets.give("drop", "7")
    asked = asyncio.ensure_future(tickets.use(ticket, ("drop", "7"), deed))
    await begun.wait()
    asked.cancel()
    await asyncio.wait([asked])
    assert tickets.outcome(ticket) is None
    go_on.set()
    assert await tickets.use(ticket, ("drop", "7"), deed) == Done("it is done")
    assert tickets.outcome(ticket) == Done("it is done")


async def test_a_deed_is_done_once():
    tickets, done = Tickets(), []

    async def deed():
        done.append("it")
        return Done(f"{len(done)}")

    ticket = tickets.give("drop", "7")
    presses = [tickets.use(ticket, ("drop", "7"), deed) for _ in range(3)]
    assert {*await asyncio.gather(*presses), await tickets.use(ticket, ("drop", "7"), deed)} == {Done("1")}
    assert len(done) == 1


async def test_only_so_many_tickets_are_kept():
    tickets = Tickets()
    first = tickets.give("drop", "1")
    for _ in range(MOST):
        tickets.give("drop", "2")
    assert await tickets.use(first, ("drop", "1"), pytest.fail) is None
