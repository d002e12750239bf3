"""Discord's part of the control API, beside the common routes (`control`) and those of all (`playground`).

    GET    bot                                         {id, application, token_valid, sessions, connected}
    POST   guilds {[name], [members]}                  -> {id, channel}; a guild with a first channel
    POST   guilds/members {guild, person}
    POST   guilds/expel {guild, [expelled]}            the bot is thrown out; expelled: false takes it back
    POST   channels {guild, [name]}                    -> {id}
    DELETE channels {channel}                          of a thread as well
    POST   threads {channel, person, [name], [message]}    -> {id}
    POST   threads/archive {thread, [archived], [locked]}
    POST   permissions {channel, [view], [send], [history], [react], [attach]}    what the bot may do; the
                                                       default is true
    POST   attach {person, channel, [text], [reply_to], files: [{name, [mime], [voice], data}]}    -> {id};
                                                       data in Base64, or `size` for so many zeros
    POST   forward {person, channel, source, message}  -> {id}; a message of another channel is passed on
    POST   edit {person, channel, message, text}
    POST   delete {person, channel, message}
    POST   purge {channel, messages: [...]}            a moderator deletes many at once
    POST   unfurl {channel, message, [title]}          a preview is added: MESSAGE_UPDATE without an edit
    POST   react {person, channel, message, emoji}
    POST   typing {person, channel}
    POST   press {person, channel, message, [label], [custom_id]}    -> {interaction}
    POST   command {person, channel, name, [text], [options]}    -> {interaction}; a slash command that was
                                                       registered, the text in its first option
    GET    commands?[guild]                            those registered
    GET    transcript?channel=ID&[after=ID]            messages as the platform shows them, nonce included
    GET    reactions?channel=ID&message=ID             {emoji: [user, ...]}
    GET    files?channel=ID&message=ID                 [{name, mime, size, data}], data in Base64
    GET    whispers?person=ID                          [{message_id, text}]: what that person alone sees
    POST   files/expire                                no address of a file is good any more
    GET    limits                                      {enabled, scale}
    POST   limits {[enabled], [scale]}
    POST   gateway/op7                                 ask every connection to reconnect
    POST   gateway/op9 {[resumable]}                   invalidate every session
    POST   gateway/close {[code]}                      close every connection (4000)
    POST   gateway/freeze {[frozen]}                   heartbeats stay unanswered
    POST   gateway/reorder                             the next two messages arrive in the wrong order
    POST   gateway/deaf {[deaf]}                       what happens meanwhile is never told
    POST   gateway/forget                              sessions that are away cannot be resumed

Wait conditions: those of `playground`, and `answered {interaction}`, an interaction that the bot answered.
"""

import base64
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from adapters.emulators.control import Args, ControlError, ControlTable
from adapters.emulators.discord_files import SIZE_LIMIT, Given
from adapters.emulators.events import JsonObject

if TYPE_CHECKING:
    from adapters.emulators.discord import DiscordEmulator


def add_discord_routes(table: ControlTable, emulator: "DiscordEmulator") -> None:
    _add_places(table, emulator)
    _add_doings(table, emulator)
    _add_messages(table, emulator)
    _add_views(table, emulator)
    _add_gateway(table, emulator)
    _add_limits(table, emulator)


def _add_places(table: ControlTable, emulator: "DiscordEmulator") -> None:
    people, world = emulator.people, emulator.world

    def guild(args: Args) -> object:
        members = tuple(int(str(one)) for one in args.listing("members"))
        made = people.add_guild(args.text("name", "Guild"), members)
        return {"id": str(made.id), "channel": str(next(iter(made.channels)))}

    def member(args: Args) -> object:
        people.join(world.guild(args.integer("guild")), args.integer("person"))
        return True

    def expel(args: Args) -> object:
        people.expel(args.integer("guild"), expelled=args.flag("expelled", default=True))
        return True

    def channel(args: Args) -> object:
        made = people.add_channel(world.guild(args.integer("guild")), args.text("name", "general"))
        return {"id": str(made.id)}

    def drop(args: Args) -> object:
        people.drop_channel(args.integer("channel"))
        return True

    def thread(args: Args) -> object:
        made = people.add_thread(
            args.integer("channel"),
            args.integer("person"),
            args.text("name", "Thread"),
            args.maybe_integer("message"),
        )
        return {"id": str(made.id)}

    def archive(args: Args) -> object:
        archived, locked = args.flag("archived", default=True), args.flag("locked", default=False)
        people.archive(args.integer("thread"), archived=archived, locked=locked)
        return True

    def permit(args: Args) -> object:
        people.permit(
            args.integer("channel"),
            view=args.flag("view", default=True),
            send=args.flag("send", default=True),
            history=args.flag("history", default=True),
            react=args.flag("react", default=True),
            attach=args.flag("attach", default=True),
        )
        return True

    table.add("POST", "guilds", guild)
    table.add("POST", "guilds/members", member)
    table.add("POST", "guilds/expel", expel)
    table.add("POST", "channels", channel)
    table.add("DELETE", "channels", drop)
    table.add("POST", "threads", thread)
    table.add("POST", "threads/archive", archive)
    table.add("POST", "permissions", permit)


def _add_doings(table: ControlTable, emulator: "DiscordEmulator") -> None:
    people = emulator.people

    def where(args: Args) -> tuple[int, int, int]:
        return args.integer("person"), args.integer("channel"), args.integer("message")

    def react(args: Args) -> object:
        people.react(*where(args), args.text("emoji"))
        return True

    def typing(args: Args) -> object:
        people.typing(args.integer("person"), args.integer("channel"))
        return True

    def press(args: Args) -> object:
        label, custom_id = args.maybe_text("label"), args.maybe_text("custom_id")
        return {"interaction": str(people.press(*where(args), label=label, custom_id=custom_id).id)}

    def command(args: Args) -> object:
        name = args.text("name")
        known = [one for place in emulator.api.commands.values() for one in place if one["name"] == name]
        if not known:
            raise ControlError(f"the bot has registered no command {name}", 404)
        given = people.command(
            args.integer("person"),
            args.integer("channel"),
            known[0],
            args.listing("options"),
            args.text("text", ""),
        )
        return {"interaction": str(given.id)}

    table.add("POST", "react", react)
    table.add("POST", "typing", typing)
    table.add("POST", "press", press)
    table.add("POST", "command", command)


def _add_messages(table: ControlTable, emulator: "DiscordEmulator") -> None:
    people = emulator.people

    def attach(args: Args) -> object:
        said = people.say(
            args.integer("person"),
            args.integer("channel"),
            args.text("text", ""),
            reply_to=args.maybe_integer("reply_to"),
            files=_files(args.listing("files")),
        )
        return {"id": str(said.id)}

    def forward(args: Args) -> object:
        person, channel = args.integer("person"), args.integer("channel")
        said = people.forward(person, channel, args.integer("source"), args.integer("message"))
        return {"id": str(said.id)}

    def edit(args: Args) -> object:
        where = args.integer("person"), args.integer("channel"), args.integer("message")
        people.edit(*where, args.text("text"))
        return True

    def delete(args: Args) -> object:
        people.delete(args.integer("person"), args.integer("channel"), args.integer("message"))
        return True

    def purge(args: Args) -> object:
        people.purge(args.integer("channel"), [int(str(one)) for one in args.listing("messages")])
        return True

    def unfurl(args: Args) -> object:
        people.unfurl(args.integer("channel"), args.integer("message"), args.text("title", "A page"))
        return True

    def expire(_: Args) -> object:
        emulator.files.expire()
        return True

    table.add("POST", "attach", attach)
    table.add("POST", "forward", forward)
    table.add("POST", "edit", edit)
    table.add("POST", "delete", delete)
    table.add("POST", "purge", purge)
    table.add("POST", "unfurl", unfurl)
    table.add("POST", "files/expire", expire)


def _files(given: Sequence[object]) -> list[Given]:
    made: list[Given] = []
    for one in given:
        if not isinstance(one, dict):
            raise ControlError("a file is an object")
        file = Args(cast("JsonObject", one))
        size = file.maybe_integer("size") or 0
        if not 0 <= size <= SIZE_LIMIT:
            raise ControlError(f"a file has at most {SIZE_LIMIT} bytes", 413)
        try:
            data = base64.b64decode(file.text("data", ""), validate=True)
        except ValueError:
            raise ControlError("data must be in Base64") from None
        voice = file.flag("voice", default=False)
        made.append(Given(file.text("name"), data or bytes(size), file.text("mime", ""), voice))
    return made


def _add_views(table: ControlTable, emulator: "DiscordEmulator") -> None:
    def bot(_: Args) -> object:
        return {
            "id": str(emulator.world.bot.id),
            "application": str(emulator.world.application_id),
            "session_start_limit": emulator.starts.standing(),
            "connected": emulator.playground.connected(),
        }

    def transcript(args: Args) -> object:
        channel, after = emulator.world.channel(args.integer("channel")), args.maybe_integer("after") or 0
        found = [one for one in channel.messages.values() if one.id > after]
        return [{**one.as_json(), "deleted": one.deleted, "edits": len(one.editions)} for one in found]

    def reactions(args: Args) -> object:
        message = emulator.world.message(
            emulator.world.channel(args.integer("channel")), args.integer("message")
        )
        return {emoji: [str(one) for one in users] for emoji, users in message.reactions.items()}

    def files(args: Args) -> object:
        message = emulator.world.message(
            emulator.world.channel(args.integer("channel")), args.integer("message")
        )
        return [
            {
                "name": one.name,
                "mime": one.mime,
                "size": len(one.data),
                "data": base64.b64encode(one.data).decode(),
            }
            for one in message.files
        ]

    def whispers(args: Args) -> object:
        found = emulator.interactions.whispered(args.integer("person"))
        return [{"message_id": str(one.id), "text": one.content} for one in found]

    async def answered(args: Args) -> object:
        number = args.text("interaction")

        def probe() -> JsonObject | None:
            for event in emulator.events.since(0, frozenset({"interaction_answer"})):
                if event.data["interaction"] == number:
                    return event.as_json()
            return None

        return await emulator.events.until(probe)

    table.add("GET", "bot", bot)
    table.add("GET", "commands", lambda args: emulator.api.commands.get(args.maybe_integer("guild") or 0, []))
    table.add("GET", "transcript", transcript)
    table.add("GET", "reactions", reactions)
    table.add("GET", "files", files)
    table.add("GET", "whispers", whispers)
    table.add_condition("answered", answered)


def _add_gateway(table: ControlTable, emulator: "DiscordEmulator") -> None:
    sessions = emulator.sessions

    def reconnect(_: Args) -> object:
        return sessions.ask_to_reconnect()

    def invalidate(args: Args) -> object:
        return sessions.invalidate(resumable=args.flag("resumable", default=False))

    def close(args: Args) -> object:
        return sessions.close(args.maybe_integer("code") or 4000)

    def freeze(args: Args) -> object:
        sessions.frozen = args.flag("frozen", default=True)
        return True

    def reorder(_: Args) -> object:
        return sessions.swap_next()

    def deafen(args: Args) -> object:
        sessions.deaf = args.flag("deaf", default=True)
        return True

    def forget(_: Args) -> object:
        return sessions.forget_all()

    table.add("POST", "gateway/op7", reconnect)
    table.add("POST", "gateway/op9", invalidate)
    table.add("POST", "gateway/close", close)
    table.add("POST", "gateway/freeze", freeze)
    table.add("POST", "gateway/reorder", reorder)
    table.add("POST", "gateway/deaf", deafen)
    table.add("POST", "gateway/forget", forget)


def _add_limits(table: ControlTable, emulator: "DiscordEmulator") -> None:
    def show(_: Args) -> object:
        return {"enabled": emulator.api.limits.enabled, "scale": emulator.api.limits.scale}

    def change(args: Args) -> object:
        old = emulator.api.limits
        scale = args.number("scale", old.scale)
        if scale <= 0:
            raise ControlError("scale must be above 0")
        emulator.api.set_limits(replace(old, enabled=args.flag("enabled", default=old.enabled), scale=scale))
        return show(args)

    table.add("GET", "limits", show)
    table.add("POST", "limits", change)
