"""Files that people send and agents make, and what a prompt or a delivery needs to know of them.

A file that came in is fetched after its message is in the ledger, and again where that was cut short: what is
on the disk under its name is always the whole of it. Its place in an agent's working directory follows from
its id, so a message can name it before it is there.
"""

from dataclasses import dataclass
from enum import StrEnum


class AttachmentKind(StrEnum):
    """What a file is for people. `voice` is one that was spoken into the chat."""

    IMAGE = "image"
    AUDIO = "audio"
    VOICE = "voice"
    VIDEO = "video"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file as an adapter understood it.

    `ref` is all that the adapter needs to fetch it, also after a restart. `name` is as the sender gave it,
    and not to be trusted. `size` is in bytes, None where the platform does not say.
    """

    ref: str
    name: str
    mime: str = ""
    size: int | None = None
    kind: AttachmentKind = AttachmentKind.FILE


class AttachmentState(StrEnum):
    """`waiting` until it was fetched (`stored`), or cannot be (`failed`)."""

    WAITING = "waiting"
    STORED = "stored"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StoredAttachment:
    """A row of the ledger's attachments. `name` is safe as the name of a file; `error` says why it failed."""

    id: int
    message_id: int
    account: str
    attachment: Attachment
    name: str
    state: AttachmentState
    error: str = ""

    @property
    def file_name(self) -> str:
        """What it is called on the disk: unique for ever."""
        return f"{self.id}-{self.name}"


@dataclass(frozen=True, slots=True)
class PromptFile:
    """A file that goes with a prompt: an absolute path in the agent's working directory."""

    path: str
    name: str
    mime: str
    kind: AttachmentKind


@dataclass(frozen=True, slots=True)
class OutFile:
    """A file that is owed to a chat.

    `path` is relative to the directory of media as long as it is in the ledger, and absolute for adapters.
    `size` is in bytes.
    """

    path: str
    name: str
    mime: str
    size: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """The file is there, whole."""

    size: int


@dataclass(frozen=True, slots=True)
class FetchFailed:
    """It is not. `reason` is fit for people; `again` says whether another attempt may succeed."""

    reason: str
    again: bool = False


FetchOutcome = Fetched | FetchFailed
