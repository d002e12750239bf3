"""`carryon demo --play` in a real browser, where there is one."""

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.e2e.test_demo import left_in
from tests.harness.waiting import PATIENCE

playwright = pytest.importorskip("playwright.async_api", reason="playwright is not installed")

CARRYON = (str(Path(sys.executable).with_name("carryon")), "demo", "--play", "--port", "0")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PLATFORMS = ("telegram", "discord", "slack")
SLOW = "Name the build Falcon [[tool build 20s]] [[sleep 1s]] and tell me."


@asynccontextmanager
async def browser(wide):
    async with playwright.async_playwright() as driver:
        # Without a sandbox of its own: containers seldom allow one, and it loads this one page alone.
        chromium = await driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        context = await chromium.new_context(viewport={"width": wide, "height": 900})
        context.set_default_timeout(PATIENCE * 1000)
        yield await context.new_page()
        await chromium.close()


@pytest.fixture
def demo(tmp_path):
    with subprocess.Popen(
        CARRYON,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as process:
        while not (found := re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())):
            assert process.poll() is None, process.stderr.read()
        yield found[0]
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=PATIENCE)
    assert (process.returncode, complaints) == (0, "")
    assert left_in(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


async def write(page, platform, text):
    await page.fill(f"#{platform}-text", text)
    await page.press(f"#{platform}-text", "Enter")


async def shows(page, platform, text):
    """Wait for a message of the bot; other messages may come after it."""
    bubbles = page.locator(f'.chat[data-platform="{platform}"] .bot .bubble')
    await bubbles.filter(has_text=re.compile(text)).last.wait_for()


async def counts(page, **expected):
    for what, number in expected.items():
        await page.locator(f"#{what}").filter(has_text=re.compile(f"^{number}$")).wait_for()


async def is_now(page, phase):
    await page.locator("#phase").filter(has_text=phase).wait_for()


# A browser comes from the system's packages: pip brings none, and the suite must pass without being root.
# Only this journey through the page needs one; what the page asks of the demo is tested without it.
@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no chromium is installed")
async def test_people_kill_it_and_see_it_carry_on(demo):
    async with browser(1440) as page:
        wrong = []
        page.on(
            "console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: wrong.append(str(error)))
        await page.goto(demo)
        await is_now(page, "is running")
        for platform in PLATFORMS:
            await write(page, platform, f"Hello {platform}")
        for platform in PLATFORMS:
            await shows(page, platform, f"You said: Hello {platform}")
            await write(page, platform, SLOW)
        for platform in PLATFORMS:
            await shows(page, platform, "You said: Name the build Falcon$")

        await page.click('[data-do="kill"]')
        await is_now(page, "is down")
        assert await page.is_disabled('[data-do="kill"]')
        await write(page, "telegram", "Are you there?")
        await page.check('input[name="slack-place"][value="channel"]')
        await write(page, "slack", "Is anybody here?")
        await counts(page, asked=8, answered=3, waiting=5, lost=0)

        await page.click('[data-do="start"]')
        await is_now(page, "is running")
        await shows(page, "telegram", "You said: Are you there\\?$")
        await shows(page, "slack", "You said: Sam: Is anybody here\\?$")
        await counts(page, asked=8, answered=8, waiting=0, lost=0, duplicated=0)
        await page.locator("#lines").get_by_text("resumed: native").nth(2).wait_for()
        await page.set_viewport_size({"width": 360, "height": 700})
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        assert wrong == []
