"""Files as Slack describes them. Pure.

A reference is the file's id and, where Slack named it, the address that it is fetched from. In channels that
are shared with another workspace Slack names an id alone, and has to be asked for the rest.
"""

import re

from adapters.slack.payload import Payload, part_of, parts_of, text_of
from gateway.model.attachment import Attachment, AttachmentKind

_ID = re.compile(r"F[A-Z0-9]{1,32}", re.ASCII)
_UNTOLD = "check_file_info"
_GONE = frozenset({"tombstone"})
_KINDS = {"image": AttachmentKind.IMAGE, "audio": AttachmentKind.AUDIO, "video": AttachmentKind.VIDEO}
_VOICE_TYPE = "audio/mp4"


def attachments_of(fields: Payload) -> tuple[Attachment, ...]:
    """The files of a message, in order. What was deleted since is left out."""
    found = (attachment_of(one) for one in parts_of(fields, "files") if text_of(one, "mode") not in _GONE)
    return tuple(one for one in found if one is not None)


def attachment_of(file: Payload) -> Attachment | None:
    """One file; None when it cannot even be asked for."""
    file_id = text_of(file, "id")
    if not _ID.fullmatch(file_id):
        return None
    url = address_of(file)
    size = file.get("size")
    kind, mime = _kind(file)
    return Attachment(
        ref=f"{file_id} {url}".rstrip(),
        name=text_of(file, "name") or text_of(file, "title") or file_id,
        mime=mime,
        size=size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None,
        kind=kind,
    )


def untold(file: Payload) -> bool:
    """Whether Slack has to be asked what this file is."""
    return text_of(file, "file_access") == _UNTOLD and bool(_ID.fullmatch(text_of(file, "id")))


def address_of(file: Payload) -> str:
    """Where the bytes are; empty when that is not said, or is no address."""
    url = text_of(file, "url_private_download") or text_of(file, "url_private")
    return url if re.fullmatch(r"https?://[!-~]+", url) else ""


def read_ref(ref: str) -> tuple[str, str]:
    """The id and the address of a reference; both are empty when it is none."""
    file_id, _, url = ref.partition(" ")
    return (file_id, url) if _ID.fullmatch(file_id) else ("", "")


def shared_as(file: Payload, chat: str) -> str:
    """The ts of the newest message that shows a file in a channel; empty when there is none yet."""
    shares = part_of(file, "shares")
    found = [
        text_of(one, "ts")
        for visibility in ("public", "private")
        for one in parts_of(part_of(shares, visibility), chat)
    ]
    return max((ts for ts in found if is_ts(ts)), key=float, default="")


def is_ts(word: str) -> bool:
    """Whether a word is the ts of a message."""
    return re.fullmatch(r"[0-9]{1,12}\.[0-9]{1,6}", word, re.ASCII) is not None


def _kind(file: Payload) -> tuple[AttachmentKind, str]:
    """What it is for people, and its type. A voice clip says of itself that it is a video, or nothing."""
    mime = text_of(file, "mimetype").partition(";")[0].strip().lower()
    if text_of(file, "subtype") == "slack_audio":
        _, _, form = mime.partition("/")
        return AttachmentKind.VOICE, f"audio/{form}" if form else _VOICE_TYPE
    return _KINDS.get(mime.partition("/")[0], AttachmentKind.FILE), mime
