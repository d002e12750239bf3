"""A gateway that is watched: over a crash, a stop and two restarts, and where watching is not possible."""

import asyncio
import signal
import socket

import aiohttp
import pytest

from tests.harness.secrecy import overheard
from tests.helpers.otlp import otlp_collector
from tests.helpers.scrape import Scrape

TOKEN = "a-token-of-good-length"
KNOWN = {"Authorization": f"Bearer {TOKEN}"}


async def port_of(gateway):
    return (await gateway.logged("http.listening"))["port"]


async def ask(port, path, headers=KNOWN):
    async with (
        aiohttp.ClientSession(headers=headers, trace_configs=[overheard()]) as session,
        session.get(f"http://127.0.0.1:{port}{path}", allow_redirects=False) as answer,
    ):
        return answer.status, await answer.text()


async def scraped(port):
    status, text = await ask(port, "/metrics")
    assert status == 200
    return Scrape(text)


async def test_what_is_known_of_a_gateway_over_its_restarts(stage):
    async with otlp_collector() as traces:
        stage.configure(
            http={"listen": "127.0.0.1:0", "token": TOKEN},
            telemetry={"otlp": traces.url},
            delivery={"stream": "auto"},
        )
        ann = stage.chat("Ann")
        gateway = await stage.start()
        ann.say("[[tool lathe 60s]] a long piece of work")
        await stage.in_tool("lathe")
        port = await port_of(gateway)
        assert [await ask(port, path, {}) for path in ("/healthz", "/readyz")] == [
            (200, '{"alive": true}'),
            (200, '{\n "ready": true,\n "reasons": []\n}\n'),
        ]
        assert (await ask(port, "/metrics", {}))[0] == 401
        assert (await ask(port, "/"))[0] == 200
        found = await scraped(port)
        assert found("carryon_turns_running") == 1
        assert found("carryon_account_connected", account="telegram") == 1
        assert found.total("carryon_boots_total") == 0
        await stage.knows(  # killed while it is being sent, the answer would rightly come with a label
            lambda ledger: (
                ledger.one("SELECT count(*) FROM deliveries WHERE kind = 'stream' AND state = 'sent'") > 0
            ),
            "the message in which the answer grows",
        )
        await gateway.kill()

        gateway = await stage.start()
        await stage.heard(ann)
        port = await port_of(gateway)
        found = await scraped(port)
        assert found("carryon_boots_total", end="crashed") == 1
        assert found("carryon_turns_total", agent="demo", state="interrupted", resumed="false") == 1
        assert found("carryon_turns_total", agent="demo", state="completed", resumed="true") == 1
        assert found("carryon_resumes_total", mode="native", reason="restart_interrupted") == 1
        assert found("carryon_restart_duration_seconds_count") == 1
        assert found("carryon_drain_duration_seconds_count") == 0
        assert found("carryon_oldest_delivery_seconds") == 0

        # Who holds on to the server does not hold on to the gateway.
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /do/undrain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n")
        await writer.drain()
        assert await gateway.stop(signal.SIGTERM) == 0
        assert await reader.read() == b""
        writer.close()

        root, (first, second) = traces.one("message"), traces.named("turn")
        assert {span.trace for span in traces.spans} == {root.trace}
        assert first.error == "restart_interrupted"
        assert second.links == ((first.trace, first.span),)
        assert second["resume.mode"] == "native"
        assert {span["delivery.outcome"] for span in traces.named("delivery")} == {"sent"}

        gateway = await stage.start()
        found = await scraped(await port_of(gateway))
        assert found("carryon_boots_total", end="stopped") == found.total("carryon_boots_total") == 1
        assert found("carryon_drain_duration_seconds_count") == 1
        assert found("carryon_turns_total", agent="demo", state="interrupted", resumed="false") == 0
        assert TOKEN not in gateway.log.text
        ann.check()


@pytest.mark.slow
async def test_where_nothing_can_be_watched_chats_are_served_all_the_same(stage):
    ann = stage.chat("Ann")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        nobody = "http://127.0.0.1:9"
        stage.configure(http={"listen": f"127.0.0.1:{port}"}, telemetry={"otlp": nobody})
        gateway = await stage.start()
        line = await gateway.logged("http.unavailable")
        assert (line["level"], line["port"]) == ("error", port)
        assert "http.listen" in line["then"]
        await stage.ask(ann, "hello there")
        await gateway.logged("trace.unreachable")
        assert await gateway.stop() == 0
    assert gateway.log.count("http.unavailable") == gateway.log.count("trace.unreachable") == 1
    assert gateway.log.count("library") == 0
    ann.check()
