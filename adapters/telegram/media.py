"""The files of a message, as the gateway names them.

A file id is good for ever and for this bot alone, so it is all that a fetch needs. Telegram names no pictures
and no voice messages; they are called after what they are.
"""

from typing import Final

from adapters.telegram.sdk import Animation, Audio, Document, Message, PhotoSize, Video, VideoNote, Voice
from gateway.model.attachment import Attachment, AttachmentKind

FILES: Final = ("animation", "audio", "document", "photo", "video", "video_note", "voice")
"""The fields of a message that hold files."""

_BY_MIME: Final = {
    "image": AttachmentKind.IMAGE,
    "audio": AttachmentKind.AUDIO,
    "video": AttachmentKind.VIDEO,
}

_File = Animation | Audio | Document | PhotoSize | Video | VideoNote | Voice


def attachments(message: Message) -> tuple[Attachment, ...]:
    """What a message brings along. A message has one file; an album is several messages."""
    match message:
        case Message(photo=[_, *_] as sizes):
            largest = max(sizes, key=lambda one: (one.width * one.height, one.file_size or 0))
            return (_named(largest, "photo.jpg", "image/jpeg", AttachmentKind.IMAGE),)
        case Message(animation=Animation() as animation):  # has the same file as a document, for old clients
            name, mime = animation.file_name or "animation.mp4", animation.mime_type or "video/mp4"
            return (_named(animation, name, mime, _kind(mime)),)
        case Message(voice=Voice() as voice):
            return (_named(voice, "voice.ogg", voice.mime_type or "audio/ogg", AttachmentKind.VOICE),)
        case Message(audio=Audio() as audio):
            name, mime = audio.file_name or "audio.mp3", audio.mime_type or "audio/mpeg"
            return (_named(audio, name, mime, AttachmentKind.AUDIO),)
        case Message(video=Video() as video):
            name, mime = video.file_name or "video.mp4", video.mime_type or "video/mp4"
            return (_named(video, name, mime, AttachmentKind.VIDEO),)
        case Message(video_note=VideoNote() as note):
            return (_named(note, "video.mp4", "video/mp4", AttachmentKind.VIDEO),)
        case Message(document=Document() as document):
            name, mime = document.file_name or "document", document.mime_type or ""
            return (_named(document, name, mime, _kind(mime)),)
        case _:
            return ()


def _named(file: _File, name: str, mime: str, kind: AttachmentKind) -> Attachment:
    return Attachment(file.file_id, name, mime, file.file_size, kind)


def _kind(mime: str) -> AttachmentKind:
    return _BY_MIME.get(mime.partition("/")[0], AttachmentKind.FILE)
