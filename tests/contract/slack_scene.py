"""What people do and see on Slack beyond the Playground."""

from typing import cast

from adapters.emulators.slack import SlackEmulator
from adapters.emulators.slack_files import Given
from tests.contract import particulars
from tests.contract.particulars import ShownFile


class Particulars(particulars.Particulars):
    """A command comes from the app's settings; what it takes as its text is the gateway's."""

    upload = "files.completeUploadExternal"
    react = "reactions.add"
    tells_deletions = True

    @property
    def slack(self) -> SlackEmulator:
        return cast("SlackEmulator", self.emulator)

    def give(self, person, chat, files, text="", *, thread="", mention=False):
        given = [Given(one.name, one.content, one.mime) for one in files]
        if mention:
            text = f"<@{self.slack.world.bot.id}> {text}"
        message, *_ = self.slack.people.share(person, chat, given, text=text, thread=thread)
        return message.ts

    def several(self):
        return True

    def change(self, person, chat, message, text):
        self.slack.people.edit(person, chat, message, text)

    def take_back(self, person, chat, message):
        self.slack.people.delete(person, chat, message)

    def invoke(self, person, chat, command, text="", *, thread=""):  # noqa: ARG002  (it knows no threads)
        self.slack.people.command(person, chat, "/carryon", f"{command} {text}".rstrip())

    def files(self, chat):
        return [
            ShownFile(
                message.ts,
                file.name,
                self.slack.files.file(file.id).content,
                message.read(),
                message.thread,
            )
            for message in self.slack.world.channel(chat).messages.values()
            if message.from_bot and not message.deleted
            for file in message.files
        ]

    def signs(self, chat, message):
        reactions = self.slack.world.message(chat, message).reactions
        return [name for name, users in reactions.items() if self.slack.world.bot.id in users]

    def progress(self, chat, message, thread=""):
        """In the message while it is edited; below the thread while Slack streams."""
        text = super().progress(chat, message, thread)
        told = [
            one.data
            for one in self.play.events.since(0, frozenset({"action", "action_cleared"}))
            if (one.data["chat"], one.data["thread"]) == (chat, thread)
        ]
        return "\n".join([text, *(f"{one['messages']} {one['action']}" for one in told[-1:])])

    def refuse_markup(self):
        self.slack.api.markdown_refusal = "invalid_blocks"
