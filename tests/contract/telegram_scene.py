"""What the contract suite of adapters asks of Telegram; see `particulars`."""

from adapters.emulators.telegram_files import Media
from tests.contract import particulars
from tests.contract.particulars import ShownFile

_PHOTO_KINDS = ("image/jpeg", "image/png", "image/webp")


class Particulars(particulars.Particulars):
    """Of the emulator's first bot."""

    upload = "sendDocument"
    react = "setMessageReaction"
    commands = ("setMyCommands",)
    shows_names = False

    def give(self, person, chat, files, text="", *, thread="", mention=False):
        (file,) = files
        kind = "photo" if file.mime in _PHOTO_KINDS else "document"
        media = self.emulator.world.files.add(kind, file.content, name=file.name, mime=file.mime)
        name = self.emulator.world.bot().person.username
        sent = self.emulator.people.send_file(
            int(person),
            media,
            f"@{name} {text}" if mention else text,
            chat_id=int(chat),
            thread=int(thread) if thread else None,
        )
        return str(sent.id)

    def change(self, person, chat, message, text):
        self.emulator.people.edit(int(person), int(message), text, chat_id=int(chat))

    def take_back(self, person, chat, message):
        self.emulator.people.delete(int(person), int(message), chat_id=int(chat))

    def invoke(self, person, chat, command, text="", *, thread=""):
        name = self.emulator.world.bot().person.username
        listed = f"/{command}" if int(chat) > 0 else f"/{command}@{name}"  # as apps complete it
        said = f"{listed} {text}".strip()
        self.emulator.people.send(
            int(person), said, chat_id=int(chat), thread=int(thread) if thread else None
        )

    def files(self, chat):
        messages = self.emulator.world.chat(int(chat)).messages.values()
        return [_shown(one) for one in messages if one.media is not None and one.author.is_bot]

    def signs(self, chat, message):
        found = self.emulator.world.chat(int(chat)).messages[int(message)]
        return [one["emoji"] for one in found.reactions]

    def drafts(self, chat, thread=""):
        found = self.emulator.world.chat(int(chat)).drafts.items()
        wanted = int(thread) if thread else None
        return [draft.text for (where, _), draft in found if where == wanted]

    def offered(self):
        (listed,) = self.emulator.world.bot().commands.values()
        return {one["command"]: one["description"] for one in listed}

    def refuse_markup(self):
        self.emulator.api.refuse_entities = 1


def _shown(message):
    media: Media = message.media
    return ShownFile(
        str(message.id),
        media.file.name,
        media.file.content,
        message.text,
        str(message.thread) if message.in_topic else "",
        str(message.reply_to.id) if message.reply_to is not None else "",
    )
