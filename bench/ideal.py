"""The ideal loop: what this machine could do if a gateway did nothing but receive, answer and remember.

It receives through getUpdates, validates the JSON, and answers with sendMessage. Each message costs three
durable commits (accepted, replied, sent), as it must where a crash may lose and repeat nothing. There are no
sessions, no agent, no order, no retries and no logs. The gateway's throughput is given as a share of this.
"""

import argparse
import asyncio
import json
import queue
import signal
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

import aiohttp
from pydantic import BaseModel, Field

GROUP = 256
"""Writes that share one commit at most."""

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS messages (update_id INTEGER PRIMARY KEY, chat INTEGER NOT NULL, "
    "text TEXT NOT NULL, state TEXT NOT NULL, reply TEXT, sent_as INTEGER)"
)
_ACCEPT = "INSERT OR IGNORE INTO messages (update_id, chat, text, state) VALUES (?, ?, ?, 'accepted')"
_REPLY = "UPDATE messages SET state = 'replied', reply = ? WHERE update_id = ?"
_SENT = "UPDATE messages SET state = 'sent', sent_as = ? WHERE update_id = ?"

Row = tuple[object, ...]
_Job = tuple[str, Sequence[Row], "asyncio.Future[None]"]


class Chat(BaseModel):
    id: int


class Message(BaseModel):
    message_id: int
    chat: Chat
    author: Chat = Field(alias="from")
    text: str


class Update(BaseModel):
    update_id: int
    message: Message


class Updates(BaseModel):
    ok: bool
    result: list[Update]


class Sent(BaseModel):
    message_id: int


class Answer(BaseModel):
    ok: bool
    result: Sent


class Ledger:
    """A writer thread that commits whatever has queued up since its last commit."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="ledger")
        self._thread.start()

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def commit(self, statement: str, rows: Sequence[Row]) -> "asyncio.Future[None]":
        """Done when the rows are durable."""
        done: asyncio.Future[None] = self._loop.create_future()
        self._queue.put((statement, rows, done))
        return done

    def _write(self) -> None:
        database = sqlite3.connect(self._path, isolation_level=None)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute(_SCHEMA)
        while (job := self._queue.get()) is not None:
            group = [job]
            while len(group) < GROUP and not self._queue.empty():
                following = self._queue.get()
                if following is None:
                    self._queue.put(None)
                    break
                group.append(following)
            database.execute("BEGIN IMMEDIATE")
            for statement, rows, _ in group:
                database.executemany(statement, rows)
            database.execute("COMMIT")
            self._loop.call_soon_threadsafe(_resolve, [done for _, _, done in group])
        database.close()


def _resolve(futures: list["asyncio.Future[None]"]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)


class Loop:
    """Receives, answers, remembers."""

    def __init__(self, session: aiohttp.ClientSession, base: str, ledger: Ledger) -> None:
        self._session = session
        self._base = base
        self._ledger = ledger

    async def run(self) -> None:
        offset = 0
        async with asyncio.TaskGroup() as group:
            while True:
                updates = await self._receive(offset)
                if not updates:
                    continue
                rows = [(u.update_id, u.message.chat.id, u.message.text) for u in updates]
                await self._ledger.commit(_ACCEPT, rows)
                offset = updates[-1].update_id + 1
                for update in updates:
                    group.create_task(self._answer(update))

    async def _receive(self, offset: int) -> list[Update]:
        body = json.dumps({"offset": offset, "timeout": 25, "allowed_updates": ["message"]}).encode()
        async with self._session.post(f"{self._base}/getUpdates", data=body) as answer:
            return Updates.model_validate_json(await answer.read()).result

    async def _answer(self, update: Update) -> None:
        reply = f"You said: {update.message.text}"
        await self._ledger.commit(_REPLY, [(reply, update.update_id)])
        body = json.dumps({"chat_id": update.message.chat.id, "text": reply}).encode()
        async with self._session.post(f"{self._base}/sendMessage", data=body) as answer:
            sent = Answer.model_validate_json(await answer.read()).result
        await self._ledger.commit(_SENT, [(sent.message_id, update.update_id)])


async def serve(api_url: str, token: str, database: Path) -> None:
    """Answer until SIGTERM or SIGINT."""
    running = asyncio.current_task()
    assert running is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    ledger = Ledger(database)
    try:
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=512),
            timeout=aiohttp.ClientTimeout(total=60),
            headers={"Content-Type": "application/json"},
        ) as session:
            await Loop(session, f"{api_url}/bot{token}", ledger).run()
    except asyncio.CancelledError:
        return
    finally:
        ledger.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.ideal", description=__doc__)
    parser.add_argument("--api-url", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--database", required=True, type=Path)
    given = parser.parse_args()
    asyncio.run(serve(given.api_url, given.token, given.database))


if __name__ == "__main__":
    main()
