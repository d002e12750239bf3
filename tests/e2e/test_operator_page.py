"""The operator page in a real browser, on the real server, engine and ledger."""

import re
import shutil
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.model.delivery import DeliveryKind, DeliveryState, Draft, Rejected
from gateway.model.grant import Grant, Role
from gateway.model.operation import ConfigStatus, Intent, Phase
from gateway.model.session import SessionState
from tests import helpers
from tests.harness.secrecy import shown
from tests.harness.waiting import PATIENCE
from tests.helpers.clock import until
from tests.helpers.ledgers import ACCOUNT
from tests.helpers.watching import busy, history, ledger_at, watched

playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.slow,
    # A browser comes from the system's packages: pip brings none, and the suite must pass without being root.
    pytest.mark.skipif(BROWSER is None, reason="no chromium is installed"),
]
CHECKS = [
    f"({(Path(helpers.__file__).parent / 'page_checks.js').read_text()}).{name}()"
    for name in ("contrast", "semantics")
]
LOOK = 2000
"""Milliseconds between two looks of the page."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def chromium():
    async with playwright.async_playwright() as driver:
        # Without a sandbox of its own: containers seldom allow one, and it loads this one page alone.
        started = await driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="module")
async def ledger(tmp_path):
    async with ledger_at(tmp_path) as made:
        yield made


@asynccontextmanager
async def tab(chromium, **more):
    """A page of a browser that complains about nothing, least of all about the content security policy."""
    context = await chromium.new_context(**{"viewport": {"width": 1280, "height": 800}} | more)
    context.set_default_timeout(PATIENCE * 1000)
    page, wrong = await context.new_page(), []
    page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.wrong = wrong
    answers = []
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108  (no built-in will do)
    yield page
    for answer in answers:
        with suppress(playwright.Error):  # a redirect has no body, and old ones are forgotten
            shown(answer.url, await answer.text())
    await context.close()
    assert wrong == []


async def press(page, row, label, **fields):
    """Press a button of a row, answer the question with yes, and return what is said to have come of it."""
    await page.locator(f"{row} >> a.act", has_text=label).first.click()
    question = page.locator("#dialog[open]")
    await question.wait_for()
    for name, value in fields.items():
        await question.locator(f"[name={name}]").fill(value)
    await page.locator("#told").evaluate("told => told.replaceChildren()")
    await question.locator("button.go").click()
    await question.wait_for(state="hidden")
    return await said_on(page)


async def said_on(page):
    """What came of the last deed. The button to close it is no part of it."""
    return (await page.locator("#told p").inner_text()).removesuffix("Close").strip().replace("\n", " ")


async def test_every_action(chromium, ledger):
    ids = await history(ledger)
    async with watched(ledger) as it, tab(chromium) as page:
        await busy(it)
        store, at = ledger.store, it.at
        await page.goto(it.address + "/")
        assert await page.locator("#headline").inner_text() == (
            "Serving, but 1 answer waits for your decision, and 1 more thing"
        )

        said = await press(page, f"#delivery-{ids['rejected']}", "Retry")
        assert said == f"Done: delivery {ids['rejected']} will be sent"
        await until(lambda: "A short answer" in at.shown("2004"))
        await page.locator(f"#delivery-{ids['rejected']}").wait_for(state="detached")
        assert await page.evaluate("document.activeElement.id") == "main", (
            "the button that was pressed is gone"
        )
        await press(page, f"#delivery-{ids['held']}", "Drop")
        dropped = await store.delivery(ids["held"])
        assert (dropped.state, dropped.error) == (DeliveryState.REJECTED, "dropped by a person")
        await page.locator("#concern-held").wait_for(state="detached")
        assert await page.locator("#concern-rejected").count() == 0, "a person's own doing is no news"

        await press(page, f"#pending-{ids['paused']}", "Resume")
        assert (await store.session(ids["paused"])).state is SessionState.ACTIVE
        await page.locator(f"#pending-{ids['paused']}").wait_for(state="detached")
        said = await press(page, f"#pending-{ids['loop']}", "Reset")
        fresh = re.fullmatch(rf"Done: session (\d+) takes the place of session {ids['loop']}", said)[1]
        assert (await store.session(int(fresh))).generation == 2
        (turn,) = [one for one in at.operations.status().running if one.session_id == ids["cut"]]
        assert "is suspended" in await press(page, f"#turn-{turn.turn_id}", "Cut and suspend")
        assert ids["cut"] not in {one.session_id for one in at.operations.status().running}
        assert (await store.session(ids["cut"])).state is SessionState.SUSPENDED

        gateway = "section[aria-labelledby=gateway-title]"
        await press(page, gateway, "Reload")
        assert it.file.read == 1
        assert await press(page, gateway, "Stop", wait="90") == "Done: stopping; 1 running turn"
        status = at.operations.status()
        assert (status.phase, status.intent) == (Phase.WAITING, Intent.STOP)
        await page.get_by_text("Stopping: waits for 1 running turn").first.wait_for()
        assert await press(page, "#concern-phase", "Keep serving") == "Done: serving again"
        await page.locator("#concern-phase").wait_for(state="detached")
        await press(page, gateway, "Restart", wait="90")
        assert at.operations.status().intent is Intent.RESTART

        code = await at.code()
        await page.goto(it.address + "/people")
        await press(page, f"#pairing-{code}", "Let in as admin")
        assert [(g.person, g.role) for g in await store.grants()] == [
            ("1003", Role.ADMIN),
            ("1009", Role.USER),
        ]
        await page.get_by_text("Nobody asks to be let in.").wait_for()
        await press(page, "#grant-1", "Revoke")
        assert [g.person for g in await store.grants()] == ["1009"]
        await at.hear("1010", "me too")
        await at.settled()
        code = await at.code()
        await page.reload()
        await press(page, f"#pairing-{code}", "Refuse")
        assert await store.pairings(it.clock.now()) == ()


async def test_without_scripts(chromium, ledger):
    ids = await history(ledger)
    async with watched(ledger) as it, tab(chromium, java_script_enabled=False) as page:
        await page.goto(f"{it.address}/sessions?q=sheep")
        await page.get_by_role("link", name=f"Session {ids['paused']}").click()
        await page.get_by_role("link", name="Reset…").click()
        assert await page.locator("h1").inner_text() == (
            f"Begin a new conversation in place of session {ids['paused']}?"
        )
        await page.get_by_role("button", name="Reset").click()
        said = await said_on(page)
        assert re.fullmatch(rf"Done: session \d+ takes the place of session {ids['paused']}", said)
        await page.go_back()
        await page.get_by_role("button", name="Reset").click()
        assert await said_on(page) == said
        there = (await it.shelf.search("2006")).sessions
        assert len(there) == 2, "it is done once, however often it is pressed"
        await busy(it)
        await page.goto(f"{it.address}/do/restart")
        await page.get_by_label("Wait for running turns").fill("90")
        await page.get_by_role("button", name="Restart").click()
        assert await page.locator("#headline").inner_text() == (
            "Restarting: waits for 2 running turns, 1 min 30 s at most"
        )


def is_look(asked):
    return asked.headers.get("hx-target") == "live"


async def test_it_renews_itself_and_finds_the_next_boot(chromium, ledger):
    ids = await history(ledger)
    async with tab(chromium) as page:
        looks = []
        page.on("request", lambda asked: looks.append(asked) if is_look(asked) else None)
        await page.clock.install()
        async with watched(ledger) as it:
            await busy(it)
            port = int(it.address.rpartition(":")[2])
            await page.goto(it.address + "/")
            fold = page.locator(f"#body-{ids['held']}")
            await fold.locator("summary").click()
            await page.locator(f"#pending-{ids['loop']} a.act").first.focus()
            await page.evaluate("window.kept = document.activeElement")
            await it.at.operations.suspend(ids["cut"])
            await page.clock.run_for(LOOK)
            await page.locator(f"#pending-{ids['cut']} .state", has_text="suspended").wait_for()
            assert await page.evaluate("window.kept === document.activeElement")
            assert await fold.evaluate("one => one.open")
            await page.locator("main").focus()
            await it.at.operations.resume(ids["paused"])
            await page.clock.run_for(LOOK)
            await page.locator(f"#pending-{ids['paused']}").wait_for(state="detached")

            await page.evaluate(
                "Object.defineProperty(document, 'hidden', {configurable: true, get: () => true})"
            )
            before = len(looks)
            await page.clock.run_for(20 * LOOK)
            assert len(looks) == before, "nobody looks at a page in the background"
            async with page.expect_event("requestfinished", is_look):
                await page.evaluate("delete document.hidden")
                await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
            assert page.wrong == []
        banner = page.get_by_role("alert")
        while not await banner.is_visible():
            async with page.expect_event("requestfailed", is_look):
                await page.clock.run_for(5 * LOOK)
        assert re.match(r"No answer from the gateway since \d", await banner.inner_text())
        boot = await ledger.start()
        async with watched(ledger, port=port) as it:
            async with page.expect_event("requestfinished", is_look):
                await page.clock.run_for(5 * LOOK)
            await banner.wait_for(state="hidden")
            assert await page.locator("#live").get_attribute("data-boot") == str(boot.boot_id)
            assert await page.locator("#news").inner_text() == f"The gateway is back, as boot {boot.boot_id}."
            assert await fold.evaluate("one => one.open"), "the same page, not a new one"
        page.wrong[:] = [said for said in page.wrong if not re.match(r"htmx:|.*ERR_CONNECTION_REFUSED", said)]


NASTY = (
    "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>"
    "\"'><a href=javascript:pwned=1>{{ 1000 * 1001 }}\u202egnp.exe\u2066\x1b[31m"
)


async def test_hostile_words_do_nothing(chromium, ledger):
    ids = await history(ledger, title=NASTY)
    async with watched(ledger) as it, tab(chromium) as page:
        await busy(it)
        store, at = ledger.store, it.at
        at.operations._parts.accounts.lost(ACCOUNT, NASTY)
        it.file.status = ConfigStatus(NASTY, 1.0, (NASTY,), (NASTY, NASTY))
        await ledger.store.grant(Grant(NASTY, f"{NASTY}&role=admin", NASTY, Role.USER, NASTY, 1.0))
        await at.take(at.inbound("1011", NASTY, author_name=NASTY))
        await at.take(at.inbound("2001", NASTY * 50, author_name=NASTY, event_id=NASTY))
        (owed,) = await store.notify(ids["gone_on"], (Draft(DeliveryKind.REPLY, NASTY),), it.clock.now())
        await store.claim(owed.id, it.clock.now())
        await store.settle(owed.id, Rejected(NASTY), it.clock.now())
        await page.add_init_script("window.alert = () => { window.pwned = 1; };")
        paths = (
            "/",
            "/sessions?q=<script>",
            f"/sessions/{ids['gone_on']}",
            "/sessions/2",
            "/restarts",
            "/people",
        )
        for path in paths:
            await page.goto(it.address + path)
            assert await page.evaluate("window.pwned") is None, path
            assert (
                await page.locator("#live script, #live img, #live [onerror], [href^=javascript]").count()
                == 0
            )
            text = await page.content()
            assert not re.search("[\u202a-\u202e\u2066-\u2069\x1b]", text), path
            assert "1001000" not in text, path
        await page.goto(it.address + "/people")
        await press(page, f"tr:has-text('{ACCOUNT}:1009')", "Revoke")
        said = await press(page, "tr:has-text('window.pwned'):has-text('user')", "Revoke")
        assert said.startswith("Done: ")
        assert await store.grants() == (), "whoever it was, and nobody else"
        assert await page.evaluate("window.pwned") is None


async def test_everybody_can_use_it(chromium, ledger):
    ids = await history(ledger)
    async with watched(ledger) as it:
        await busy(it)
        paths = (
            "/",
            "/sessions",
            f"/sessions/{ids['gone_on']}",
            "/restarts",
            "/speed",
            "/people",
            "/do/restart",
        )
        for scheme, width in (("light", 360), ("dark", 1280)):
            more = {
                "color_scheme": scheme,
                "viewport": {"width": width, "height": 800},
                "reduced_motion": "reduce",
            }
            async with tab(chromium, **more) as page:
                for path in paths:
                    await page.goto(it.address + path)
                    await page.evaluate(
                        "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
                    )
                    if path == "/do/restart":  # a question belongs to no page
                        await page.evaluate(
                            "document.querySelector('nav a').setAttribute('aria-current', 'page')"
                        )
                    found = [wrong for check in CHECKS for wrong in await page.evaluate(check)]
                    assert found == [], (scheme, path)
        async with tab(chromium) as page:
            await with_the_keyboard(page, it, ids)


async def with_the_keyboard(page, it, ids):
    focused = "document.activeElement.textContent.trim()"
    await page.goto(it.address + "/")
    await page.keyboard.press("Tab")
    assert await page.evaluate(focused) == "Skip to the content"
    assert await page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.querySelector('main').contains(document.activeElement)")
    await page.keyboard.press(".")
    assert (await page.evaluate(focused)).startswith("Retry…")
    await page.keyboard.press("Enter")
    dialog = page.locator("#dialog")
    await dialog.wait_for()
    assert await page.evaluate("document.querySelector('#dialog').contains(document.activeElement)")
    await page.keyboard.press("Escape")
    await dialog.wait_for(state="hidden")
    assert (await page.evaluate(focused)).startswith("Retry…"), "back where it was asked"
    await page.keyboard.press("?")
    await page.locator("#help").wait_for()
    await page.keyboard.press("2")
    assert page.url == it.address + "/#main", "a key does nothing behind a dialog"
    await page.keyboard.press("Escape")
    await page.keyboard.press("/")
    await page.wait_for_url("**/sessions#q")
    await page.keyboard.type("4 sheep 3")
    assert await page.locator("#q").input_value() == "4 sheep 3", "keys are words where one writes"
    await page.locator("#q").fill("sheep")
    await page.keyboard.press("Enter")
    await page.get_by_text("1 found for").wait_for()
    await page.locator("body").press("4")
    await page.wait_for_url("**/speed")
    await page.keyboard.press("?")
    await page.locator("#keys-on").uncheck()
    await page.keyboard.press("Escape")
    await page.keyboard.press("1")
    assert page.url == it.address + "/speed", "keys can be switched off"
