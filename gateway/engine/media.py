"""Files on their way: from a chat into an agent's working directory, and from there into a chat.

What people send is fetched after its message is in the ledger, at once or at the latest for its turn. A fetch
that a crash cut short begins again: nothing counts that is not whole. What agents hand out is copied before
the end of its turn is in the ledger, so what is owed is there to be sent.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from gateway import log
from gateway.engine.persist import until_written
from gateway.failpoints import reach
from gateway.model.agent import FileChunk
from gateway.model.attachment import (
    AttachmentState,
    Fetched,
    FetchFailed,
    FetchOutcome,
    OutFile,
    PromptFile,
    StoredAttachment,
)
from gateway.ports import ChatAdapter, Clock, MediaFiles, Store
from gateway.rules.files import FOLDER, local_links, megabytes, safe_name
from gateway.rules.retry import backoff

_log = log.get()

FETCHES = 32
"""How many files are fetched at once: enough that a few which hang keep nobody else's waiting."""

FAILURES = 1000
"""Files that could not be had lately, and are not tried again."""

ATTEMPTS = 4
FETCH_SECONDS = 120.0
"""How long one attempt may take."""

MOST_FILES = 10
"""Files that go with one answer."""

NOT_SENT = "({} was not sent: this gateway sends no files.)"
NOT_SENT_BECAUSE = "({} was not sent: {}.)"
TOO_MANY = f"no more than {MOST_FILES} go with an answer"


@dataclass(frozen=True, slots=True)
class MediaParts:
    """What files are moved with."""

    store: Store
    files: MediaFiles
    adapters: Mapping[str, ChatAdapter]
    clock: Clock
    group: asyncio.TaskGroup


@dataclass(frozen=True, slots=True)
class MediaPolicy:
    """The `media` section of the config. `max_size` is in bytes."""

    send: bool = True
    max_size: int = 20 * 1024 * 1024


class Media:
    """Moves files."""

    def __init__(self, parts: MediaParts, policy: MediaPolicy) -> None:
        self._parts = parts
        self._policy = policy
        self._fetching: dict[int, asyncio.Task[str]] = {}
        self._failed: OrderedDict[int, str] = OrderedDict()
        self._slots = asyncio.Semaphore(FETCHES)

    def reconfigure(self, policy: MediaPolicy) -> None:
        """What counts from now on; a fetch that is under way keeps its limit."""
        self._policy = policy

    def fetch_soon(self, attachments: Sequence[StoredAttachment]) -> None:
        """Begin to fetch: a platform's address of a file may not be good for long."""
        for one in attachments:
            self._fetch(one)

    async def ready(
        self, attachments: Sequence[StoredAttachment], cwd: str
    ) -> tuple[tuple[PromptFile, ...], tuple[str, ...]]:
        """Have the files of a message in an agent's working directory; a line for each that cannot be."""
        found: list[PromptFile] = []
        problems: list[str] = []
        fetching = [self._fetch(one) for one in attachments]
        for one, task in zip(attachments, fetching, strict=True):
            problem = await asyncio.shield(task)
            if not problem:
                try:
                    path = await asyncio.to_thread(self._parts.files.place, one.file_name, cwd)
                except OSError as error:
                    problem = f"it could not be written: {error.strerror}"
                else:
                    about = one.attachment
                    found.append(PromptFile(path, one.name, about.mime, about.kind))
            if problem:
                problems.append(f"({FOLDER}/{one.file_name} could not be fetched: {problem}.)")
        return tuple(found), tuple(problems)

    async def outgoing(
        self, turn_id: int, cwd: str | None, text: str, chunks: Sequence[FileChunk]
    ) -> tuple[dict[str, OutFile], tuple[str, ...]]:
        """The files that an answer hands out, by the path that it links to (what it gave as bytes, by a name
        that is no path), and a line for each that it meant to and that cannot be sent.
        """
        if not self._policy.send:
            return {}, tuple(NOT_SENT.format(safe_name(one.name)) for one in chunks)
        found: dict[str, OutFile] = {}
        left: list[str] = []
        linked = local_links(text)
        for path in dict.fromkeys([*linked, *(chunk.path for chunk in chunks if chunk.path)]):
            kept = None
            if cwd is not None and len(found) < MOST_FILES:
                kept = await self._take(path, cwd, f"{turn_id}.{len(found) + 1}")
            if isinstance(kept, OutFile):
                found[path] = kept
            elif kept or path not in linked:  # what merely looks like a link to a file here is none
                left.append(
                    NOT_SENT_BECAUSE.format(
                        safe_name(path), kept or "it is not a file of its working directory"
                    )
                )
        for chunk in (one for one in chunks if one.data):
            kept = TOO_MANY
            if len(found) < MOST_FILES:
                kept = await self.keep(f"{turn_id}.{len(found) + 1}", chunk.name, chunk.mime, chunk.data)
            if isinstance(kept, OutFile):
                found[f"\0{len(found)}"] = kept
            else:
                left.append(NOT_SENT_BECAUSE.format(safe_name(chunk.name), kept))
        return found, tuple(left)

    async def _take(self, path: str, cwd: str, number: str) -> OutFile | str | None:
        """A copy of a file that is linked to, why there is none, or None where the link leads to no file."""
        take = partial(self._parts.files.take, path, cwd, number, self._policy.max_size)
        try:
            taken = await asyncio.to_thread(take)
        except OSError as error:
            _log.warning("media.not_kept", why=str(error.strerror))
            return f"it could not be read: {error.strerror}"
        if taken is None or taken.path:
            return "it is empty" if taken is not None and not taken.size else taken
        return f"it is too large: {megabytes(taken.size)}"

    async def keep(self, number: str, name: str, mime: str, data: bytes) -> OutFile | str:
        """Keep bytes that are to be sent; why not where the disk does not take them."""
        if len(data) > self._policy.max_size:
            return f"it is too large: {megabytes(len(data))}"
        try:
            return await asyncio.to_thread(self._parts.files.write, number, name, mime, data)
        except OSError as error:
            _log.warning("media.not_kept", why=str(error.strerror))
            return f"it could not be written: {error.strerror}"

    def _fetch(self, one: StoredAttachment) -> asyncio.Task[str]:
        """The one task that fetches a file; its result is what is wrong, in plain words, or empty."""
        task = self._fetching.get(one.id)
        if task is None:
            task = self._parts.group.create_task(self._supervised(one), name=f"fetch-{one.id}")
            self._fetching[one.id] = task
        return task

    async def _supervised(self, one: StoredAttachment) -> str:
        try:
            return await self._obtain(one)
        except Exception:  # noqa: BLE001  supervisor: one file's trouble must not end the gateway
            _log.exception("media.error", attachment=one.id)
            return "something went wrong while it was fetched"
        finally:
            del self._fetching[one.id]

    async def _obtain(self, one: StoredAttachment) -> str:
        files, limit = self._parts.files, self._policy.max_size
        if await asyncio.to_thread(files.has, one.file_name):
            return ""
        if one.state is AttachmentState.FAILED:
            return one.error
        if one.id in self._failed:  # since it was read from the ledger
            return self._failed[one.id]
        if one.attachment.size is not None and one.attachment.size > limit:
            outcome: FetchOutcome = FetchFailed(f"it is larger than {megabytes(limit)}")
        else:
            outcome = await self._attempts(one, limit)
        reach("media.fetched")
        match outcome:
            case Fetched():
                await self._settle(one, AttachmentState.STORED)
                _log.info("media.stored", attachment=one.id, size=outcome.size)
                return ""
            case FetchFailed(reason):
                self._failed[one.id] = reason
                if len(self._failed) > FAILURES:
                    self._failed.popitem(last=False)
                await self._settle(one, AttachmentState.FAILED, reason)
                _log.warning("media.failed", attachment=one.id, why=reason)
                return reason

    async def _attempts(self, one: StoredAttachment, limit: int) -> FetchOutcome:
        outcome: FetchOutcome = FetchFailed("its account is not in the config any more")
        adapter = self._parts.adapters.get(one.account)
        for attempt in range(1, ATTEMPTS + 1):
            if adapter is None:
                break
            async with self._slots:  # and not while it waits for another attempt
                outcome = await self._attempt(adapter, one, limit)
            if isinstance(outcome, Fetched) or not outcome.again or attempt == ATTEMPTS:
                break
            await self._parts.clock.sleep(backoff(attempt, first=1.0))
        return outcome

    async def _attempt(self, adapter: ChatAdapter, one: StoredAttachment, limit: int) -> FetchOutcome:
        files = self._parts.files
        try:
            part = await asyncio.to_thread(files.begin, one.file_name)
            async with asyncio.timeout(FETCH_SECONDS):
                outcome = await adapter.fetch(one.attachment, part, limit)
            reach("media.written")
            if isinstance(outcome, Fetched):
                await asyncio.to_thread(files.keep, one.file_name)
        except TimeoutError:
            return FetchFailed("it did not arrive in time", again=True)
        except OSError as error:
            return FetchFailed(f"it could not be written: {error.strerror}", again=True)
        return outcome

    async def _settle(self, one: StoredAttachment, state: AttachmentState, error: str = "") -> None:
        store = self._parts.store
        await until_written(self._parts.clock, lambda: store.settle_attachment(one.id, state, error))
