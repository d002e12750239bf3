"""What people and administrators do on this Discord."""

from collections.abc import Sequence

from adapters.emulators.control import ControlError
from adapters.emulators.discord_commands import fill
from adapters.emulators.discord_files import VOICE_MESSAGE, FileStore, Given, check_given
from adapters.emulators.discord_interactions import PRESS, SLASH, Interaction, Interactions
from adapters.emulators.discord_message import DEFAULT, HAS_SNAPSHOT, REPLY, WRITTEN, Message
from adapters.emulators.discord_news import DiscordNews
from adapters.emulators.discord_params import MAX_CONTENT
from adapters.emulators.discord_places import make_thread
from adapters.emulators.discord_values import DIRECT, TEXT, THREAD, Channel, Guild, User
from adapters.emulators.discord_world import DiscordWorld
from adapters.emulators.events import JsonObject


class DiscordPeople:
    """Twins of control routes; they raise ControlError for what nobody could do."""

    def __init__(
        self, world: DiscordWorld, news: DiscordNews, interactions: Interactions, files: FileStore
    ) -> None:
        self._files = files
        self._world = world
        self._news = news
        self._interactions = interactions

    # Places.

    def add_guild(self, name: str = "Guild", members: tuple[int, ...] = ()) -> Guild:
        guild = self._world.add_guild(name, members)
        self._world.add_channel(guild)
        self._news.guild_joined(guild, self._world.bot)
        return guild

    def join(self, guild: Guild, user_id: int) -> None:
        """A person enters a guild; the bot is not told, as it lacks the intent."""
        guild.members[user_id] = self._world.person(user_id)

    def add_channel(self, guild: Guild, name: str = "general") -> Channel:
        channel = self._world.add_channel(guild, name)
        self._news.channel(channel, "CREATE")
        return channel

    def drop_channel(self, channel_id: int) -> None:
        channel = self._world.channel(channel_id)
        self._world.drop_channel(channel)
        if channel.kind == THREAD:
            self._news.thread(channel, "DELETE")
        else:
            self._news.channel(channel, "DELETE")

    def add_thread(
        self, channel_id: int, person_id: int, name: str = "Thread", message_id: int | None = None
    ) -> Channel:
        """A person opens a public thread, from a message or without one."""
        parent = self._world.channel(channel_id)
        author = self._member(parent, person_id)
        if parent.kind != TEXT:
            raise ControlError("only text channels of guilds have threads")
        starter = None if message_id is None else self._world.message(parent, message_id)
        if starter is not None and (starter.thread is not None or starter.kind not in WRITTEN):
            raise ControlError(f"message {message_id} cannot start a thread")
        thread, notice = make_thread(self._world, parent, name, author, starter)
        self._news.thread(thread, "CREATE")
        self._news.message(notice)
        return thread

    def archive(self, thread_id: int, *, archived: bool = True, locked: bool = False) -> None:
        thread = self._world.channel(thread_id)
        if thread.kind != THREAD:
            raise ControlError(f"channel {thread_id} is no thread")
        thread.archived, thread.locked = archived, locked
        self._news.thread(thread, "UPDATE")

    def permit(
        self,
        channel_id: int,
        *,
        view: bool = True,
        send: bool = True,
        history: bool = True,
        react: bool = True,
        attach: bool = True,
    ) -> None:
        """What the bot may do in a channel from now on; `send` alone counts in a direct chat."""
        channel = self._world.channel(channel_id)
        if channel.kind == THREAD:
            raise ControlError("a thread has the permissions of its channel")
        if channel.kind == DIRECT:
            channel.send = send  # nobody is told of being blocked
            return
        seen = channel.view
        channel.view, channel.send, channel.history = view, send, history
        channel.react, channel.attach = react, attach
        self._news.channel(channel, "UPDATE")
        if view and not seen:
            self._news.threads_of(channel)

    def expel(self, guild_id: int, *, expelled: bool = True) -> None:
        """Throw the bot out of a guild, or take it back."""
        guild = self._world.guild(guild_id)
        guild.bot_in = not expelled
        if expelled:
            self._news.guild_left(guild)
        else:
            self._news.guild_joined(guild, self._world.bot)

    # Doings.

    def say(
        self,
        person_id: int,
        channel_id: int,
        text: str,
        *,
        reply_to: int | None = None,
        files: Sequence[Given] = (),
        forward: Message | None = None,
    ) -> Message:
        """A person writes in a channel, thread or direct chat; with files, or passing a message on."""
        channel = self._world.channel(channel_id)
        author = self._member(channel, person_id)
        if not (text.strip() or files or forward) or len(text) > MAX_CONTENT:
            raise ControlError(f"a message has 1 to {MAX_CONTENT} characters")
        check_given(files, text)
        target = None if reply_to is None else self._world.message(channel, reply_to)
        if channel.archived:
            if channel.locked:
                raise ControlError(f"thread {channel_id} is locked")
            channel.archived = False
            self._news.thread(channel, "UPDATE")
        kind = DEFAULT if target is None else REPLY
        message = self._world.append(channel, author, text.strip(), kind=kind, reference=target)
        if target is not None and target.author not in message.mentions:
            message.mentions = (*message.mentions, target.author)  # an answer notifies, too
        message.files = self._files.keep(channel.id, files)
        message.forwarded = forward
        message.flags |= VOICE_MESSAGE if any(one.voice for one in files) else 0
        message.flags |= HAS_SNAPSHOT if forward is not None else 0
        self._news.message(message)
        return message

    def forward(self, person_id: int, channel_id: int, source_id: int, message_id: int) -> Message:
        """A person passes on a message of another place."""
        source = self._world.channel(source_id)
        self._member(source, person_id)
        passed = self._world.message(source, message_id)
        return self.say(person_id, channel_id, "", forward=passed)

    def edit(self, person_id: int, channel_id: int, message_id: int, text: str) -> Message:
        message = self._own(person_id, channel_id, message_id)
        text = text.strip()
        if not (text or message.files) or len(text) > MAX_CONTENT or message.forwarded is not None:
            raise ControlError(f"message {message_id} cannot be changed to this")
        message.rewrite(text, {}, message.flags)
        message.mentions = self._world.mentioned(text)
        self._news.edit(message)
        return message

    def delete(self, person_id: int, channel_id: int, message_id: int) -> None:
        message = self._own(person_id, channel_id, message_id)
        message.deleted = True
        self._files.forget(message.files)
        self._news.delete(message)

    def purge(self, channel_id: int, message_ids: Sequence[int]) -> None:
        """A moderator deletes many messages of a guild's channel at once."""
        channel = self._world.channel(channel_id)
        if channel.guild is None or not 2 <= len(set(message_ids)) <= 100:
            raise ControlError("of 2 to 100 messages, in a channel of a guild")
        found = [self._world.message(channel, one) for one in message_ids]
        for one in found:
            one.deleted = True
            self._files.forget(one.files)
        self._news.purge(channel, found)

    def unfurl(self, channel_id: int, message_id: int, title: str = "A page") -> None:
        """The platform shows what a link in a message leads to. Nobody has edited anything."""
        message = self._world.message(self._world.channel(channel_id), message_id)
        message.fields["embeds"] = [{"type": "link", "title": title, "url": "http://127.0.0.1/"}]
        self._news.tell_change(message)

    def react(self, person_id: int, channel_id: int, message_id: int, emoji: str) -> None:
        channel = self._world.channel(channel_id)
        user = self._member(channel, person_id)
        message = self._world.message(channel, message_id)
        message.reactions.setdefault(emoji, set()).add(user.id)
        self._news.reaction(message, user, emoji, added=True)

    def typing(self, person_id: int, channel_id: int) -> None:
        channel = self._world.channel(channel_id)
        self._news.typing(channel, self._member(channel, person_id))

    def press(
        self,
        person_id: int,
        channel_id: int,
        message_id: int,
        *,
        label: str | None = None,
        custom_id: str | None = None,
    ) -> Interaction:
        """A person presses the first button with this label or id."""
        channel = self._world.channel(channel_id)
        user = self._member(channel, person_id)
        message = self._world.message(channel, message_id)
        for button in message.buttons():
            if (label is None or button.get("label") == label) and (
                custom_id is None or button["custom_id"] == custom_id
            ):
                break
        else:
            raise ControlError(f"message {message_id} has no such button")
        data: JsonObject = {
            "custom_id": button["custom_id"],
            "component_type": 2,
            "id": button["id"],
        }
        return self._interactions.begin(PRESS, channel, user, data, message)

    def command(
        self,
        person_id: int,
        channel_id: int,
        command: JsonObject,
        options: Sequence[object] = (),
        text: str = "",
    ) -> Interaction:
        """A person gives a slash command that the bot has registered; `text` goes into its first option."""
        channel = self._world.channel(channel_id)
        user = self._member(channel, person_id)
        data: JsonObject = {"id": command["id"], "name": command["name"], "type": 1}
        if filled := fill(command, channel, options, text):
            data["options"] = filled
        return self._interactions.begin(SLASH, channel, user, data)

    def _own(self, person_id: int, channel_id: int, message_id: int) -> Message:
        message = self._world.message(self._world.channel(channel_id), message_id)
        if message.author.id != person_id:
            raise ControlError(f"message {message_id} is not of person {person_id}")
        return message

    def _member(self, channel: Channel, person_id: int) -> User:
        user = self._world.person(person_id)
        here = channel.guild.members if channel.guild is not None else None
        if (here is not None and person_id not in here) or (here is None and channel.user is not user):
            raise ControlError(f"person {person_id} is not in channel {channel.id}")
        return user
