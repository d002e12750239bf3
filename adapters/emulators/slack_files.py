"""Files on this Slack: what they are, where they are shown, and where their bytes are handed out.

A file that an app uploads exists when its bytes are there, and is seen when the upload is completed. See
https://docs.slack.dev/reference/objects/file-object and https://docs.slack.dev/messaging/working-with-files.
"""

import mimetypes
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

from adapters.emulators.control import ControlError
from adapters.emulators.events import JsonObject
from adapters.emulators.slack_values import Channel, Message, Person

FIRST_FILE = 3_001
PRIVATE = "/files-pri/"
UPLOAD = "/upload/v1/"


@dataclass(frozen=True, slots=True)
class Given:
    """A file as a person sends it. `voice`: spoken into the chat. `connect`: from another workspace.

    Without `mime` the name tells what it is; Slack leaves it empty for some.
    """

    name: str
    content: bytes
    mime: str | None = None
    voice: bool = False
    connect: bool = False


@dataclass(slots=True)
class File:
    """One file. `length` is the size that was announced. `shares` are the messages that show it.

    `told` is false in a channel shared with another workspace, where a message names the id alone.
    """

    id: str
    name: str
    title: str
    mime: str
    owner: Person
    created: int
    base_url: Callable[[], str]
    content: bytes = b""
    length: int = 0
    subtype: str = ""
    told: bool = True
    deleted: bool = False
    complete: bool = True
    shares: list[tuple[Channel, Message]] = field(default_factory=list[tuple[Channel, Message]])

    @property
    def path(self) -> str:
        """Where its bytes are, below the address of files."""
        bare = re.sub(r"[^a-z0-9._-]", "_", self.name.lower())
        return f"{self.owner.team_id}-{self.id}/download/{quote(bare)}"

    def in_message(self) -> JsonObject:
        """As a message shows it."""
        if self.deleted:
            return {"id": self.id, "mode": "tombstone"}
        if not self.told:
            return {
                "id": self.id,
                "created": 0,
                "timestamp": 0,
                "user": "",
                "mode": "file_access",
                "file_access": "check_file_info",
            }
        return self._fields()

    def as_json(self) -> JsonObject:
        """As files.info shows it."""
        shares: dict[str, dict[str, list[JsonObject]]] = {}
        for channel, message in self.shares:
            visible = "public" if channel.kind == "channel" else "private"
            shown: JsonObject = {
                "ts": message.ts,
                "channel_name": channel.name,
                "team_id": self.owner.team_id,
                "share_user_id": message.author.id,
                "reply_users": [],
                "reply_users_count": 0,
                "reply_count": 0,
                "is_silent_share": False,
            }
            if message.thread:
                shown["thread_ts"] = message.thread
            shares.setdefault(visible, {}).setdefault(channel.id, []).append(shown)
        return {
            **self._fields(),
            "channels": [one.id for one, _ in self.shares if one.kind == "channel"],
            "groups": [one.id for one, _ in self.shares if one.kind in {"group", "mpim"}],
            "ims": [one.id for one, _ in self.shares if one.kind == "im"],
            "shares": shares,
        }

    def _fields(self) -> JsonObject:
        url = f"{self.base_url()}{PRIVATE}{self.path}"
        shown: JsonObject = {
            "id": self.id,
            "created": self.created,
            "timestamp": self.created,
            "name": self.name,
            "title": self.title,
            "mimetype": self.mime,
            "filetype": self.name.rpartition(".")[2].lower() if "." in self.name else "",
            "user": self.owner.id,
            "user_team": self.owner.team_id,
            "editable": False,
            "size": len(self.content),
            "mode": "hosted",
            "is_external": False,
            "external_type": "",
            "is_public": False,
            "public_url_shared": False,
            "display_as_bot": False,
            "file_access": "visible",
            "url_private": url.replace("/download/", "/"),
            "url_private_download": url,
        }
        if self.subtype:
            shown["subtype"] = self.subtype
            shown["media_display_type"] = "audio"
        return shown


class SlackFiles:
    """Every file of the workspace, and the uploads under way. `holding`: what is completed is shown later."""

    def __init__(self, now: Callable[[], int], base_url: Callable[[], str]) -> None:
        self._now = now
        self._base_url = base_url
        self._numbers = FIRST_FILE
        self._files: dict[str, File] = {}
        self._tickets: dict[str, str] = {}
        self.holding = False
        self._held: list[Callable[[], None]] = []

    def add(self, owner: Person, name: str, *, mime: str | None = None, content: bytes = b"") -> File:
        """A file that is there."""
        file_id = f"F{self._numbers:010d}"
        self._numbers += 1
        if mime is None:
            mime = mimetypes.guess_type(name)[0] or "application/octet-stream"
        file = File(file_id, name, name, mime, owner, self._now(), self._base_url, content, len(content))
        self._files[file_id] = file
        return file

    def announce(self, owner: Person, name: str, length: int) -> tuple[File, str]:
        """A file whose bytes are still to come; it and the path that takes them."""
        file = self.add(owner, name)
        file.length, file.complete = length, False
        ticket = secrets.token_urlsafe(24)
        self._tickets[ticket] = file.id
        return file, UPLOAD + ticket

    def awaited(self, path: str) -> File | None:
        """The file whose bytes a path takes."""
        return self._files.get(self._tickets.get(path.removeprefix(UPLOAD), ""))

    def find(self, file_id: str) -> File | None:
        return self._files.get(file_id)

    def all(self) -> list[File]:
        return list(self._files.values())

    def file(self, file_id: str) -> File:
        found = self._files.get(file_id)
        if found is None:
            raise ControlError(f"no such file: {file_id}", 404)
        return found

    def at(self, path: str) -> File | None:
        """The file whose bytes a path hands out, with or without `download/`."""
        wanted = path.removeprefix(PRIVATE)
        for file in self.all():
            if wanted in {file.path, file.path.replace("/download/", "/")}:
                return file
        return None

    def show(self, share: Callable[[], None]) -> None:
        """Show what has been completed, now or when it is let go."""
        if self.holding:
            self._held.append(share)
        else:
            share()

    def hold(self, *, held: bool) -> None:
        """Whether Slack takes its time with what is completed; letting go shows it."""
        self.holding = held
        if not held:
            waiting, self._held = self._held, []
            for share in waiting:
                share()
