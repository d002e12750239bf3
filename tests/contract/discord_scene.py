"""What people do and see on Discord beyond the Playground."""

from typing import cast

from adapters.emulators.control import ControlError
from adapters.emulators.discord import DiscordEmulator
from adapters.emulators.discord_files import Given
from adapters.emulators.discord_message import Message
from adapters.emulators.discord_values import Channel
from tests.contract import particulars
from tests.contract.particulars import ShownFile


class Particulars(particulars.Particulars):
    """Ids are numbers inside the emulator."""

    upload = "createMessage"
    react = "createReaction"
    commands = ("putCommands",)
    tells_deletions = True

    @property
    def discord(self) -> DiscordEmulator:
        return cast("DiscordEmulator", self.emulator)

    def give(self, person, chat, files, text="", *, thread="", mention=False):
        given = [Given(one.name, one.content, one.mime) for one in files]
        if mention:
            text = f"<@{self.discord.world.bot.id}> {text}"
        return str(self.discord.people.say(int(person), int(thread or chat), text, files=given).id)

    def several(self):
        return True

    def change(self, person, chat, message, text):
        found = self._find(chat, message)
        self.discord.people.edit(int(person), found.channel.id, found.id, text)

    def take_back(self, person, chat, message):
        found = self._find(chat, message)
        self.discord.people.delete(int(person), found.channel.id, found.id)

    def invoke(self, person, chat, command, text="", *, thread=""):
        known = next((one for one in self.discord.api.commands.get(0, []) if one["name"] == command), None)
        if known is None:
            raise ControlError(f"the bot has registered no command {command}", 404)
        if text and not known.get("options"):
            self._lacks("way to write anything after a command that takes nothing")
        self.discord.people.command(int(person), int(thread or chat), known, text=text)

    def files(self, chat):
        found = [
            (message, file)
            for place in self._places(chat)
            for message in place.messages.values()
            if message.author.bot and not message.deleted
            for file in message.files
        ]
        found.sort(key=lambda one: one[1].id)
        return [
            ShownFile(
                str(message.id),
                file.name,
                file.data,
                message.content,
                str(message.channel.id) if message.channel.parent is not None else "",
                str(message.reference.id) if message.reference is not None else "",
            )
            for message, file in found
        ]

    def signs(self, chat, message):
        found = self._find(chat, message)
        return [emoji for emoji, users in found.reactions.items() if self.discord.world.bot.id in users]

    def offered(self):
        return {str(one["name"]): str(one["description"]) for one in self.discord.api.commands.get(0, [])}

    def _places(self, chat) -> list[Channel]:
        return [one for one in self.discord.world.channels.values() if int(chat) in (one.id, one.root.id)]

    def _find(self, chat, message) -> Message:
        for place in self._places(chat):
            if int(message) in place.messages:
                return place.messages[int(message)]
        raise ControlError(f"no message {message}", 404)
