"""The routes of Telegram's control API that are about files; see `telegram_control`."""

import base64
import binascii

from adapters.emulators.control import Args, ControlError, ControlTable
from adapters.emulators.telegram_files import MEDIA, Media
from adapters.emulators.telegram_people import TelegramPeople
from adapters.emulators.telegram_world import TelegramWorld


def add_file_routes(table: ControlTable, world: TelegramWorld, people: TelegramPeople) -> None:
    def send_file(args: Args) -> object:
        media = _media(args, world)
        message = people.send_file(
            args.integer("user"),
            media,
            args.text("text", ""),
            chat_id=args.maybe_integer("chat"),
            reply_to=args.maybe_integer("reply_to"),
            thread=args.maybe_integer("thread"),
            bot_id=args.maybe_integer("bot"),
        )
        return {"message_id": message.id, "chat": message.chat.id, "file_id": media.file.id}

    def file(args: Args) -> object:
        found = world.files.find(args.text("file_id"))
        if found is None:
            raise ControlError("no such file", 404)
        return {
            "name": found.name,
            "mime": found.mime,
            "kind": found.kind,
            "size": len(found.content),
            "content": base64.b64encode(found.content).decode(),
        }

    table.add("POST", "send_file", send_file)
    table.add("GET", "file", file)
    table.add("POST", "expire_files", lambda _: {"expired": world.files.expire()})


def _media(args: Args, world: TelegramWorld) -> Media:
    kind = args.text("kind", "document")
    if kind not in MEDIA:
        raise ControlError(f"kind is one of {', '.join(MEDIA)}")
    size = args.maybe_integer("size")
    if size is not None and not 0 <= size <= 1 << 31:
        raise ControlError("size is a number of bytes")
    try:
        content = base64.b64decode(args.text("content", ""), validate=True)
    except (binascii.Error, ValueError):
        raise ControlError("content is base64") from None
    if size is not None:
        content = (content or b"0123456789abcdef") * (size // (len(content) or 16) + 1)
    made = world.files.add(
        kind,
        content[:size],
        name=args.text("name", "file.bin"),
        mime=args.text("mime", "application/octet-stream"),
        size=args.maybe_integer("says"),
    )
    return Media(made.kind, made.files, args.text("group", ""))
