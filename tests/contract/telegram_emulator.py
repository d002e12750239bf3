"""A bot without an SDK: what goes over the wire is what the test says."""

from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from adapters.emulators.telegram import TelegramEmulator, TelegramOptions
from adapters.emulators.telegram_api import Limits

TOKEN = "4242:a-token-of-valid-shape"
UNLIMITED = Limits(enabled=False)


@dataclass
class Answer:
    status: int
    body: dict

    @property
    def result(self):
        assert self.body["ok"], self.body
        return self.body["result"]

    @property
    def refusal(self):
        assert not self.body["ok"], self.body
        assert self.body["error_code"] == self.status
        return self.status, self.body["description"]


class RawBot:
    def __init__(self, session, base_url, token=TOKEN):
        self.session = session
        self.root = f"{base_url}/bot{token}/"

    async def call(self, method, **params):
        async with self.session.post(self.root + method, json=params) as response:
            return Answer(response.status, await response.json())

    async def ok(self, method, **params):
        return (await self.call(method, **params)).result

    async def refused(self, method, **params):
        return (await self.call(method, **params)).refusal


@asynccontextmanager
async def telegram(options=None):
    """A running emulator and a raw bot; no rate limits unless the options say so."""
    async with (
        TelegramEmulator(options or TelegramOptions(limits=UNLIMITED)) as emulator,
        aiohttp.ClientSession() as session,
    ):
        yield emulator, RawBot(session, emulator.base_url)
