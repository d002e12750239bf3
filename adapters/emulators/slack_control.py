"""Slack's part of the control API: playing the people, breaking the connections.

All ids are Slack's own: U… users, C… and G… channels, D… direct conversations, `ts` messages. Arguments in
brackets may be left out. Common routes (events, calls, faults, wait) are in `control`, those of every
platform (person, direct, channel, say, click, shown, …) in `playground`.

    GET    world                                        {team, app, bot_user, bot, connections, under_way}
    POST   group {people: [...], [name], [kind]}        kind: channel, group (private) or mpim -> {id}
    POST   edit {person, chat, message, text}
    POST   erase {person, chat, message}                a user deletes their own message
    POST   command {person, chat, command, [text]}      a slash command
    POST   send_file {person, chat, name, [text], [thread], [mention], [content | base64 | size], [mime],
           [voice], [connect]}                          a user sends a file -> {id, file}; `voice` is spoken,
                                                        `connect` comes from another workspace
    POST   react {person, chat, message, name, [removed]}
    POST   unfurl {chat, message}                       Slack adds the preview of a link: no person's edit
    GET    message?chat=ID&message=TS                   as the Web API shows it, with files and reactions
    GET    file?file=ID                                 as files.info shows it, with its bytes in base64
    POST   delete_file {file}                           its owner deletes it
    POST   files {[held], [largest]}                    held: what an app completes is shown when let go;
                                                        largest: the workspace's limit in bytes
    POST   markdown {[refuse]}                          the word to refuse every Markdown with; none takes it
    POST   open_home {person, [tab]}                    app_home_opened
    POST   open_assistant {person}                      assistant_thread_started -> {thread}
    POST   leave {person, chat}                         member_left_channel
    POST   archive {chat, [archived]}                   archived: false takes it back
    POST   remove_bot {chat, [removed]}                 removed: false takes it back
    POST   revoke {[revoked]}                           every token is refused from now on; tokens_revoked
    POST   expire_streams                               end every open stream, as Slack does after a while
    POST   event {event: {...}}                         tell of any JSON object as an event -> {event_id}
    POST   redeliver {chat, message}                    the same events once more, marked as a retry
    POST   socket/disconnect {[reason], [close]}        warning (stays open), refresh_requested, link_disabled
    POST   socket/drop                                  cut every connection without a word
    POST   socket/reorder                               the next two envelopes in the other order
    POST   socket/mute {[muted]}                        what happens meanwhile is never told: an outage
    POST   socket/hurry                                 what is awaited is late, what is to be retried is due
    POST   socket/patience {[ack], [retries: [...]]}    seconds for an acknowledgement and before each retry
    GET    limits                                       {enabled, scale}
    POST   limits {[enabled], [scale]}

A fault `duplicate` on the method `envelope` delivers the next envelope twice.

Events beside the common ones (`message` and `edit` name the `files` where there are some): `connected`,
`disconnected`, `envelope`, `acked`, `ack_unknown`, `envelope_failed` (to be retried), `envelope_lost`,
`press`, `delete`, `ephemeral`, `reaction` {chat, message_id, user, name, on}, `title`, `prompts`,
`action_cleared`; `action` has the `messages` that are shown in turn.

Wait conditions: `under_way {count}` (that many envelopes are neither acknowledged nor lost) and
`disconnected {}`.
"""

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

from adapters.emulators import slack_reactions
from adapters.emulators.control import Args, ControlError, ControlTable
from adapters.emulators.slack_deliveries import Patience
from adapters.emulators.slack_files import Given

if TYPE_CHECKING:
    from adapters.emulators.slack import SlackEmulator


def add_slack_routes(table: ControlTable, emulator: "SlackEmulator") -> None:
    _add_people(table, emulator)
    _add_files(table, emulator)
    _add_places(table, emulator)
    _add_socket(table, emulator)
    _add_machinery(table, emulator)
    _add_conditions(table, emulator)


def _add_people(table: ControlTable, emulator: "SlackEmulator") -> None:
    people = emulator.people

    def edit(args: Args) -> object:
        people.edit(args.text("person"), args.text("chat"), args.text("message"), args.text("text"))
        return True

    def erase(args: Args) -> object:
        people.delete(args.text("person"), args.text("chat"), args.text("message"))
        return True

    def command(args: Args) -> object:
        people.command(args.text("person"), args.text("chat"), args.text("command"), args.text("text", ""))
        return True

    def open_home(args: Args) -> object:
        people.open_home(args.text("person"), args.text("tab", "messages"))
        return True

    table.add("POST", "edit", edit)
    table.add("POST", "erase", erase)
    table.add("POST", "command", command)
    table.add("POST", "open_home", open_home)
    table.add("POST", "open_assistant", lambda args: {"thread": people.start_assistant(args.text("person"))})


def _add_files(table: ControlTable, emulator: "SlackEmulator") -> None:
    files, api = emulator.files, emulator.api

    def send_file(args: Args) -> object:
        mention = f"<@{emulator.world.bot.id}> " if args.flag("mention", False) else ""
        given = Given(
            args.text("name"),
            _content(args),
            args.maybe_text("mime"),
            voice=args.flag("voice", False),
            connect=args.flag("connect", False),
        )
        text = f"{mention}{args.text('text', '')}".rstrip()
        message, (file,) = emulator.people.share(
            args.text("person"), args.text("chat"), [given], text=text, thread=args.text("thread", "")
        )
        return {"id": message.ts, "file": file.id}

    def react(args: Args) -> object:
        where = args.text("chat"), args.text("message")
        slack_reactions.react(
            api, args.text("person"), *where, args.text("name"), removed=args.flag("removed", False)
        )
        return True

    def unfurl(args: Args) -> object:
        emulator.people.unfurl(args.text("chat"), args.text("message"))
        return True

    def file(args: Args) -> object:
        found = files.file(args.text("file"))
        return {**found.as_json(), "base64": base64.b64encode(found.content).decode()}

    def delete_file(args: Args) -> object:
        files.file(args.text("file")).deleted = True
        return True

    def set_files(args: Args) -> object:
        api.largest_file = args.maybe_integer("largest") or api.largest_file
        files.hold(held=args.flag("held", files.holding))
        return True

    def markdown(args: Args) -> object:
        api.markdown_refusal = args.text("refuse", "")
        return True

    def message(args: Args) -> object:
        return emulator.world.message(args.text("chat"), args.text("message")).as_json(metadata=True)

    table.add("POST", "send_file", send_file)
    table.add("POST", "react", react)
    table.add("POST", "unfurl", unfurl)
    table.add("GET", "message", message)
    table.add("GET", "file", file)
    table.add("POST", "delete_file", delete_file)
    table.add("POST", "files", set_files)
    table.add("POST", "markdown", markdown)


def _content(args: Args) -> bytes:
    """The bytes of a file: as text, in base64, or so many of no matter what."""
    if "base64" in args.values:
        try:
            return base64.b64decode(args.text("base64"), validate=True)
        except ValueError:
            raise ControlError("base64 is not base64") from None
    size = args.maybe_integer("size")
    return args.text("content", "").encode() if size is None else b"x" * size


def _add_places(table: ControlTable, emulator: "SlackEmulator") -> None:
    people, world = emulator.people, emulator.world

    def group(args: Args) -> object:
        members = [str(one) for one in args.listing("people")]
        kind = args.text("kind", "group")
        return {"id": world.add_channel(*members, name=args.text("name", ""), kind=kind).id}

    def leave(args: Args) -> object:
        people.leave(args.text("person"), args.text("chat"))
        return True

    def archive(args: Args) -> object:
        people.archive(args.text("chat"), archived=args.flag("archived", True))
        return True

    def remove_bot(args: Args) -> object:
        people.remove_bot(args.text("chat"), removed=args.flag("removed", True))
        return True

    table.add("POST", "group", group)
    table.add("POST", "leave", leave)
    table.add("POST", "archive", archive)
    table.add("POST", "remove_bot", remove_bot)


def _add_socket(table: ControlTable, emulator: "SlackEmulator") -> None:
    socket, deliveries = emulator.socket, emulator.socket.deliveries

    def disconnect(args: Args) -> object:
        reason = args.text("reason", "refresh_requested")
        socket.disconnect(reason, close=args.flag("close", reason != "warning"))
        return True

    def drop(_: Args) -> object:
        socket.drop()
        return True

    def reorder(_: Args) -> object:
        deliveries.swap_next_two()
        return True

    def mute(args: Args) -> object:
        deliveries.muted = args.flag("muted", True)
        return True

    def patience(args: Args) -> object:
        retries = args.listing("retries") if "retries" in args.values else deliveries.patience.retries
        try:
            seconds = tuple(float(str(one)) for one in retries)
        except ValueError:
            raise ControlError("retries must be numbers") from None
        deliveries.patience = Patience(args.number("ack", deliveries.patience.ack), seconds)
        return True

    table.add("POST", "socket/disconnect", disconnect)
    table.add("POST", "socket/drop", drop)
    table.add("POST", "socket/reorder", reorder)
    table.add("POST", "socket/mute", mute)
    table.add("POST", "socket/hurry", lambda _: {"hurried": deliveries.hurry()})
    table.add("POST", "socket/patience", patience)


def _add_machinery(table: ControlTable, emulator: "SlackEmulator") -> None:
    def world(_: Args) -> object:
        app = emulator.world.app
        return {
            "team": app.team_id,
            "app": app.app_id,
            "bot_user": app.user_id,
            "bot": app.bot_id,
            "connections": emulator.socket.connected,
            "under_way": len(emulator.socket.deliveries),
        }

    def revoke(args: Args) -> object:
        emulator.revoke(revoked=args.flag("revoked", True))
        return True

    def expire(_: Args) -> object:
        return {"expired": emulator.api.expire_streams()}

    def redeliver(args: Args) -> object:
        emulator.hearing.redeliver(args.text("chat"), args.text("message"))
        return True

    def get_limits(_: Args) -> object:
        return {"enabled": emulator.api.limits.enabled, "scale": emulator.api.limits.scale}

    def set_limits(args: Args) -> object:
        old = emulator.api.limits
        scale = args.number("scale", old.scale)
        if scale <= 0:
            raise ControlError("scale must be above 0")
        emulator.api.set_limits(replace(old, enabled=args.flag("enabled", old.enabled), scale=scale))
        return True

    table.add("GET", "world", world)
    table.add("POST", "revoke", revoke)
    table.add("POST", "expire_streams", expire)
    table.add("POST", "event", lambda args: {"event_id": emulator.hearing.raw(args.mapping("event"))})
    table.add("POST", "redeliver", redeliver)
    table.add("GET", "limits", get_limits)
    table.add("POST", "limits", set_limits)


def _add_conditions(table: ControlTable, emulator: "SlackEmulator") -> None:
    async def under_way(args: Args) -> object:
        count = args.integer("count")
        return await emulator.events.until(lambda: True if len(emulator.socket.deliveries) == count else None)

    async def disconnected(_: Args) -> object:
        return await emulator.events.until(lambda: emulator.socket.connected == 0 or None)

    table.add_condition("under_way", under_way)
    table.add_condition("disconnected", disconnected)
