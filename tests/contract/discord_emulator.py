"""A bot without an SDK: what goes over the wire is what the test says."""

import json
import zlib
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest
import zstandard

from adapters.emulators.discord import DiscordEmulator, DiscordOptions
from adapters.emulators.discord_limits import Limits
from adapters.emulators.discord_world import BOT_ID, token_of
from tests.harness.waiting import within

TOKEN = token_of(BOT_ID)
UNLIMITED = Limits(enabled=False)
INTENTS = 1 << 0 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14 | 1 << 15
PROPERTIES = {"os": "linux", "browser": "raw", "device": "raw"}


class Clock:
    """Time as the emulator takes it; it stands still unless a test moves it."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@dataclass
class Answer:
    status: int
    body: object
    headers: object

    @property
    def result(self):
        assert 200 <= self.status < 300, self.body
        return self.body

    @property
    def refusal(self):
        assert self.status >= 400, self.body
        return self.status, self.body["code"]

    @property
    def where(self):
        """The one place that a refusal of a form names, and what is wrong there."""
        assert self.body["code"] == 50035, self.body
        path, errors = [], self.body["errors"]
        while "_errors" not in errors:
            [(name, errors)] = errors.items()
            path.append(name)
        return ".".join(path), errors["_errors"][0]["code"]


class RawBot:
    def __init__(self, session, emulator, token=TOKEN):
        self.session = session
        self.emulator = emulator
        self.headers = {"Authorization": f"Bot {token}"}

    async def call(self, verb, path, body=None, **query):
        async with self.session.request(
            verb, self.emulator.api_url + path, json=body, params=query, headers=self.headers
        ) as response:
            text = await response.text()
            if text:
                assert response.headers["Content-Type"] == "application/json"
            return Answer(response.status, json.loads(text) if text else None, response.headers)

    async def get(self, path, **query):
        return (await self.call("GET", path, **query)).result

    async def send(self, channel, content="", **fields):
        return await self.call("POST", f"/channels/{channel}/messages", {"content": content, **fields})

    async def sent(self, channel, content="", **fields):
        return (await self.send(channel, content, **fields)).result

    @asynccontextmanager
    async def socket(self, compress="", **query):
        """A connection that has heard HELLO."""
        asked = {"v": "10", "encoding": "json", **({"compress": compress} if compress else {}), **query}
        async with self.session.ws_connect(self.emulator.gateway_url, params=asked) as raw:
            yield Socket(raw, compress)

    @asynccontextmanager
    async def gateway(self, intents=INTENTS, compress=""):
        """A connection that is READY, and has been told of every guild."""
        async with self.socket(compress) as socket:
            assert (await socket.hear())["op"] == 10
            await socket.identify(intents)
            socket.ready = await socket.event("READY")
            for _ in socket.ready["guilds"]:
                await socket.event("GUILD_CREATE")
            yield socket


@dataclass
class Socket:
    raw: object
    compress: str
    seq: int = 0
    ready: dict = field(default_factory=dict)

    def __post_init__(self):
        if self.compress == "zlib-stream":
            self.unpack = zlib.decompressobj().decompress
        elif self.compress == "zstd-stream":
            self.unpack = zstandard.ZstdDecompressor().decompressobj().decompress

    async def say(self, op, data=None):
        await self.raw.send_str(json.dumps({"op": op, "d": data}))

    async def identify(self, intents=INTENTS, token=TOKEN, **fields):
        await self.say(2, {"token": token, "intents": intents, "properties": PROPERTIES, **fields})

    async def resume(self, session_id, seq, token=TOKEN):
        await self.say(6, {"token": token, "session_id": session_id, "seq": seq})

    async def hear(self):
        """The next payload."""
        message = await within(self.raw.receive(), "a payload of the gateway")
        assert message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY), message
        text = message.data
        if message.type is aiohttp.WSMsgType.BINARY:
            text = self.unpack(message.data).decode()
        payload = json.loads(text)
        if payload["s"] is not None:
            assert payload["s"] == self.seq + 1
            self.seq = payload["s"]
        return payload

    async def event(self, name):
        """The next payload, which must be this event; its data."""
        payload = await self.hear()
        assert (payload["op"], payload["t"]) == (0, name), payload
        return payload["d"]

    async def closed(self):
        """The code that the gateway closes with."""
        message = await within(self.raw.receive(), "the end of the connection")
        assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED), message
        return self.raw.close_code


@asynccontextmanager
async def discord_emulator(options=None):
    """A running emulator and a raw bot; no rate limits unless the options say so."""
    async with (
        DiscordEmulator(options or DiscordOptions(limits=UNLIMITED)) as emulator,
        aiohttp.ClientSession() as session,
    ):
        yield emulator, RawBot(session, emulator)


def discord_fixtures():
    """Fixtures of a test module: emulator and bot, a person, their direct chat, and a channel."""

    @pytest.fixture(name="wire")
    async def wire():
        async with discord_emulator() as both:
            yield both

    @pytest.fixture(name="ann")
    def ann(wire):
        return wire[0].playground.person("Ann")

    @pytest.fixture(name="direct")
    def direct(wire, ann):
        return wire[0].playground.direct(ann)

    @pytest.fixture(name="channel")
    def channel(wire, ann):
        return wire[0].playground.channel(ann)

    return wire, ann, direct, channel
