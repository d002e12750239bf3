"""An app without an SDK: what goes over the wire is what the test says."""

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from adapters.emulators.slack import SlackEmulator, SlackOptions
from adapters.emulators.slack_api import Limits
from adapters.emulators.slack_deliveries import Patience
from adapters.emulators.slack_playground import APP_TOKEN, BOT_TOKEN
from tests.harness.waiting import within

UNLIMITED = Limits(enabled=False)
ENDLESS = Patience(ack=600, retries=(0, 600, 600))
"""Nothing is late or due before a test says so with `hurry`, except the first retry, which is due at once."""


@dataclass
class Answer:
    status: int
    body: dict
    headers: dict = field(default_factory=dict)

    @property
    def error(self):
        assert not self.body["ok"], self.body
        return self.body["error"]


class RawSocket:
    def __init__(self, socket):
        self.socket = socket

    async def receive(self):
        return await within(self.socket.receive_json(), "something on the socket")

    async def envelope(self):
        """The next envelope, not acknowledged."""
        received = await self.receive()
        assert "envelope_id" in received, received
        return received

    async def event(self):
        """The next event, acknowledged; with its payload's id."""
        envelope = await self.envelope()
        await self.ack(envelope)
        return envelope["payload"]["event"] | {"event_id": envelope["payload"]["event_id"]}

    async def ack(self, envelope, **more):
        await self.socket.send_json({"envelope_id": envelope["envelope_id"], **more})

    async def closed(self):
        message = await within(self.socket.receive(), "the end of the socket")
        return message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}


class RawApp:
    def __init__(self, session, emulator):
        self.session = session
        self.emulator = emulator

    async def call(self, method, *, token=BOT_TOKEN, **params):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = self.emulator.api_url + method
        async with self.session.post(url, json=params, headers=headers) as response:
            return Answer(response.status, await response.json(), dict(response.headers))

    async def form(self, method, **params):
        async with self.session.post(self.emulator.api_url + method, data=params) as response:
            return Answer(response.status, await response.json(), dict(response.headers))

    async def ok(self, method, **params):
        answer = await self.call(method, **params)
        assert answer.body["ok"], answer.body
        return answer.body

    async def refused(self, method, **params):
        answer = await self.call(method, **params)
        assert answer.status == 200
        return answer.error

    async def post(self, channel, text="x", **more):
        return (await self.ok("chat.postMessage", channel=channel, text=text, **more))["ts"]

    async def texts(self, channel, **window):
        found = await self.ok("conversations.history", channel=channel, **window)
        return [message["text"] for message in found["messages"]]

    async def connect(self, *, greeted=True):
        opened = await self.ok("apps.connections.open", token=APP_TOKEN)
        socket = RawSocket(
            await self.session.ws_connect(opened["url"], timeout=aiohttp.ClientWSTimeout(ws_close=5))
        )
        if greeted:
            assert (await socket.receive())["type"] == "hello"
            await self.emulator.wait("connected")
        return socket

    async def answer(self, url, **params):
        async with self.session.post(
            url, data=json.dumps(params), headers={"Content-Type": "application/json"}
        ) as r:
            return r.status


@asynccontextmanager
async def slack(options=None):
    """A running emulator and a raw app; no rate limits and endless patience unless the options say so."""
    async with (
        SlackEmulator(options or SlackOptions(limits=UNLIMITED, patience=ENDLESS)) as emulator,
        aiohttp.ClientSession() as session,
    ):
        yield emulator, RawApp(session, emulator)
