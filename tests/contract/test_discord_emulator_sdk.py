"""Real discord.py against the emulator: it logs in, follows the gateway, sends, and survives the faults."""

import asyncio
import io
import warnings
import zlib
from contextlib import asynccontextmanager

import pytest
import yarl

from adapters.emulators.discord import DiscordEmulator, DiscordOptions
from adapters.emulators.discord_files import SIZE_LIMIT, Given
from adapters.emulators.discord_limits import Limits
from adapters.emulators.faults import Fault, FaultKind, When
from tests.contract.discord_emulator import TOKEN, UNLIMITED
from tests.harness.waiting import within

with warnings.catch_warnings():  # it imports audioop for its voices
    warnings.simplefilter("ignore", DeprecationWarning)
    import discord
    from discord import app_commands, gateway, http, utils


class Client(discord.Client):
    """Keeps what it is told, in order."""

    def __init__(self, **options):
        intents = discord.Intents.default()
        intents.message_content = True
        super().__init__(intents=intents, guild_ready_timeout=0.05, **options)
        self.heard = asyncio.Queue()
        self.interactions = asyncio.Queue()
        self.changes = asyncio.Queue()
        self.resumptions = 0

    async def on_message(self, message):
        self.heard.put_nowait(message)

    async def on_raw_message_edit(self, payload):
        self.changes.put_nowait(payload)

    async def on_raw_message_delete(self, payload):
        self.changes.put_nowait(payload)

    async def on_raw_bulk_message_delete(self, payload):
        self.changes.put_nowait(payload)

    async def on_interaction(self, interaction):
        self.interactions.put_nowait(interaction)

    async def on_resumed(self):
        self.resumptions += 1

    async def before_identify_hook(self, shard_id, *, initial=False):
        """Without the library's pause of five seconds."""

    async def hear(self, *, own=False):
        """The next message, of people unless `own`."""
        while True:
            message = await within(self.heard.get(), "a message")
            if (message.author.id == self.user.id) is own:
                return message


class Zlib:
    """What discord.py uses where zstandard is missing."""

    COMPRESSION_TYPE = "zlib-stream"

    def __init__(self):
        self.stream = zlib.decompressobj()

    def decompress(self, data):
        assert data.endswith(b"\x00\x00\xff\xff")
        return self.stream.decompress(data).decode()


@asynccontextmanager
async def discord_py_at(monkeypatch, options):
    """An emulator that discord.py takes for the platform."""
    async with DiscordEmulator(options) as server:
        with monkeypatch.context() as patch:
            patch.setattr(http.Route, "BASE", server.api_url)
            patch.setattr(gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(server.gateway_url))
            yield server


@pytest.fixture
async def emulator(monkeypatch):
    async with discord_py_at(monkeypatch, DiscordOptions(limits=UNLIMITED)) as server:
        yield server


@asynccontextmanager
async def connected(token=TOKEN):
    client = Client()
    async with client:
        await client.login(token)
        running = asyncio.ensure_future(client.connect())
        try:
            await within(client.wait_until_ready(), "the client is ready")
            yield client
        finally:
            await client.close()
            await running


async def test_a_conversation(emulator):
    play = emulator.playground
    ann = play.person("Ann")
    channel, direct = play.channel(ann), play.direct(ann)
    async with connected() as client:
        assert client.user.id == emulator.world.bot.id
        assert (await client.application_info()).owner.name == "owner"
        said = play.say(ann, direct, "hello")
        heard = await client.hear()
        assert (heard.content, str(heard.id), heard.guild) == ("hello", said, None)
        assert isinstance(heard.channel, discord.DMChannel)
        play.say(ann, channel, "you there", mention=True)
        heard = await client.hear()
        assert heard.mentions == [client.user]
        assert heard.guild.name == "Playground"
        assert heard.author.display_name == "Ann"
        async with heard.channel.typing():
            answer = await heard.reply("yes")
        assert [one.text for one in play.shown(channel) if one.from_bot] == ["yes"]
        assert (await client.hear(own=True)).id == answer.id
        await answer.edit(content="yes!")
        assert play.shown(channel)[-1].text == "yes!"
        assert play.shown(channel)[-1].edits == 1
        await answer.add_reaction("👍")
        history = [one.content async for one in heard.channel.history(limit=10)]
        assert history[0] == "yes!"
        await answer.delete()
        assert play.shown(channel)[-1].text.endswith("you there")


async def test_a_thread(emulator):
    play = emulator.playground
    ann = play.person("Ann")
    channel = play.channel(ann)
    async with connected() as client:
        said = play.say(ann, channel, "a long story")
        heard = await client.hear()
        thread = await heard.create_thread(name="Story")
        assert str(thread.id) == said
        sent = await thread.send("once upon a time")
        play.say(ann, channel, "go on", thread=str(thread.id))
        heard = await client.hear()
        assert (heard.content, heard.channel) == ("go on", thread)
        assert [one.text for one in play.shown(channel, str(thread.id))] == [sent.content, "go on"]
        [active] = await heard.guild.active_threads()
        assert active.id == thread.id
        emulator.people.archive(thread.id)
        await thread.send("and then")
        assert not emulator.world.channel(thread.id).archived


async def test_a_nonce_is_one_message(emulator):
    play = emulator.playground
    direct = play.direct(play.person())
    async with connected() as client:
        channel = await client.fetch_channel(int(direct))
        first = await channel.send("x", nonce="row-17")
        second = await channel.send("x", nonce="row-17")
        other = await channel.send("x", nonce="row-18")
    assert first.id == second.id != other.id
    assert first.nonce == "row-17"
    assert len(play.shown(direct)) == 2


async def test_a_button(emulator):
    play = emulator.playground
    ann = play.person("Ann")
    channel = play.channel(ann)
    async with connected() as client:
        view = discord.ui.View()
        view.add_item(discord.ui.Button(label="Go", custom_id="go-1"))
        sent = await client.get_channel(int(channel)).send("ready?", view=view)
        assert play.shown(channel)[-1].labels == ("Go",)
        play.press(ann, channel, str(sent.id), "Go")
        pressed = await within(client.interactions.get(), "an interaction")
        assert pressed.data["custom_id"] == "go-1"
        assert pressed.message.id == sent.id
        await pressed.response.defer()
        await pressed.edit_original_response(content="gone", view=None)
        assert play.shown(channel)[-1].labels == ()
        more = await pressed.followup.send("more", wait=True)
        assert play.shown(channel)[-1].id == str(more.id)
        with pytest.raises(discord.InteractionResponded):
            await pressed.response.defer()


async def test_a_slash_command(emulator):
    play = emulator.playground
    ann = play.person("Ann")
    direct = play.direct(ann)
    async with connected() as client:
        command = {"name": "new", "description": "a new session", "type": 1}
        [made] = await client.http.bulk_upsert_global_commands(client.application_id, [command])
        emulator.people.command(int(ann), int(direct), made, [])
        given = await within(client.interactions.get(), "an interaction")
        assert given.data["name"] == "new"
        await given.response.send_message("done", ephemeral=True)
        answer = await emulator.events.event("interaction_answer")
        assert (answer.data["text"], answer.data["ephemeral"]) == ("done", True)


async def test_files(emulator):
    play = emulator.playground
    ann = play.person("Ann")
    direct = play.direct(ann)
    async with connected() as client:
        given = Given("näme 1.txt", b"of a person", "text/plain")
        emulator.people.say(int(ann), int(direct), "look", files=[given])
        heard = await client.hear()
        [file] = heard.attachments
        assert (file.filename, file.title, file.size) == ("nme_1.txt", "näme 1", 11)
        assert await file.read() == b"of a person"
        file = discord.File(io.BytesIO(b"of the bot"), "answer 1.txt")
        sent = await heard.channel.send("here", file=file)
        assert sent.attachments[0].filename == "answer_1.txt"
        assert await (await heard.channel.fetch_message(sent.id)).attachments[0].read() == b"of the bot"
        sent = await sent.edit(attachments=[*sent.attachments, discord.File(io.BytesIO(b"more"), "b.txt")])
        assert [one.filename for one in sent.attachments] == ["answer_1.txt", "b.txt"]
        sent = await sent.edit(attachments=sent.attachments[1:], content="")
        assert [await one.read() for one in sent.attachments] == [b"more"]
        large = discord.File(io.BytesIO(bytes(SIZE_LIMIT + 1)), "large.bin")
        with pytest.raises(discord.HTTPException) as refused:
            await heard.channel.send(file=large)
        assert (refused.value.status, refused.value.code) == (413, 40005)


async def test_changes_of_messages(emulator):
    play = emulator.playground
    ann = play.person("Ann")
    channel = play.channel(ann)
    async with connected() as client:
        said = [play.say(ann, channel, str(number)) for number in range(3)]
        heard = await client.hear()
        emulator.people.edit(int(ann), int(channel), int(said[0]), "edited")
        edit = await within(client.changes.get(), "an edit")
        assert (edit.message.content, edit.cached_message) == ("edited", heard)
        emulator.people.delete(int(ann), int(channel), int(said[0]))
        assert (await within(client.changes.get(), "a deletion")).message_id == int(said[0])
        emulator.people.purge(int(channel), [int(one) for one in said[1:]])
        gone = await within(client.changes.get(), "deletions")
        assert gone.message_ids == {int(one) for one in said[1:]}


async def test_a_tree_of_commands(emulator):
    play = emulator.playground
    ann = play.person("Ann")
    channel = play.channel(ann)
    async with connected() as client:
        tree = app_commands.CommandTree(client)

        @tree.command(name="say", description="says it")
        async def say(interaction: discord.Interaction, text: str):
            file = discord.File(io.BytesIO(b"x"), "x.txt")
            await interaction.response.send_message(f"you say {text}", ephemeral=True, file=file)
            await interaction.followup.send("and so on", ephemeral=True)

        [made] = await tree.sync()
        assert made.name == "say"
        [known] = emulator.api.commands[0]
        emulator.people.command(int(ann), int(channel), known, text="hello")
        await emulator.events.event("answered", {"method": "createFollowup"})
        whispers = emulator.interactions.whispered(int(ann))
        assert [one.content for one in whispers] == ["you say hello", "and so on"]
        assert [one.name for one in whispers[0].files] == ["x.txt"]
        assert play.shown(channel) == []


@pytest.mark.parametrize("asked", ["zstd-stream", "zlib-stream"])
@pytest.mark.parametrize("compression", ["as_asked", "none"])
async def test_every_packing(monkeypatch, asked, compression):
    if asked == "zlib-stream":
        monkeypatch.setattr(utils, "_ActiveDecompressionContext", Zlib)
    options = DiscordOptions(limits=UNLIMITED, compression=compression)
    async with discord_py_at(monkeypatch, options) as emulator, connected() as client:
        ann = emulator.playground.person("Ann")
        direct = emulator.playground.direct(ann)
        for number in range(20):
            emulator.playground.say(ann, direct, f"{number} and " + "x" * number * 50)
            assert (await client.hear()).content.startswith(f"{number} and")
        [opened] = emulator.calls.since(method="gateway")
        assert opened.params["compress"] == asked


async def test_a_cut_loses_nothing(emulator):
    play = emulator.playground
    ann = play.person("Ann")
    direct = play.direct(ann)
    async with connected() as client:
        play.disconnect()
        play.say(ann, direct, "while you were away")
        assert (await client.hear()).content == "while you were away"
        await emulator.events.event("resumed")
    assert emulator.calls.counts["identify"] == 1


async def test_op_7_resumes(emulator):
    play = emulator.playground
    ann = play.person("Ann")
    direct = play.direct(ann)
    async with connected() as client:
        emulator.sessions.ask_to_reconnect()
        play.say(ann, direct, "meanwhile")
        await emulator.events.event("resumed")
        assert (await client.hear()).content == "meanwhile"


async def test_op_9_starts_afresh(emulator):
    play = emulator.playground
    ann = play.person("Ann")
    direct = play.direct(ann)
    async with connected() as client:
        emulator.sessions.invalidate()
        play.say(ann, direct, "nobody hears this")
        await emulator.wait("calls", method="identify", count=2)
        await emulator.wait("connected")
        play.say(ann, direct, "but this")
        assert (await client.hear()).content == "but this"


async def test_op_9_resumable_resumes(emulator):
    play = emulator.playground
    ann = play.person("Ann")
    direct = play.direct(ann)
    async with connected() as client:
        emulator.sessions.invalidate(resumable=True)
        play.say(ann, direct, "meanwhile")
        await emulator.events.event("resumed")
        assert (await client.hear()).content == "meanwhile"


@pytest.mark.parametrize("code", [4000, 4008])
async def test_a_close_resumes(emulator, code):
    play = emulator.playground
    ann = play.person("Ann")
    direct = play.direct(ann)
    async with connected() as client:
        emulator.sessions.close(code)
        play.say(ann, direct, "meanwhile")
        await emulator.events.event("resumed")
        assert (await client.hear()).content == "meanwhile"


async def test_a_close_that_is_final(emulator):
    async def be_closed():
        async with connected():
            emulator.sessions.close(4004)
            await emulator.events.event("disconnected")

    with pytest.raises(discord.ConnectionClosed) as closed:
        await be_closed()
    assert closed.value.code == 4004


async def test_an_intent_that_was_not_granted(monkeypatch):
    options = DiscordOptions(limits=UNLIMITED, message_content=False)
    async with discord_py_at(monkeypatch, options), Client() as client:
        await client.login(TOKEN)
        with pytest.raises(discord.PrivilegedIntentsRequired):
            await within(client.connect(), "a refusal")


async def test_a_token_that_is_wrong(monkeypatch):
    options = DiscordOptions(tokens=(TOKEN,), limits=UNLIMITED)
    async with discord_py_at(monkeypatch, options), Client() as client:
        with pytest.raises(discord.LoginFailure):
            await client.login(TOKEN + "x")


async def test_a_429_is_waited_for_by_the_library(emulator):
    play = emulator.playground
    direct = play.direct(play.person())
    emulator.faults.add(Fault(FaultKind.TOO_MANY, "createMessage", When.AFTER))
    async with connected() as client:
        channel = await client.fetch_channel(int(direct))
        await channel.send("x")
    assert len(play.shown(direct)) == 1
    calls = emulator.calls.since(method="createMessage")
    assert [(call.status, call.outcome) for call in calls] == [(429, "fault"), (200, "ok")]
    assert calls[0].params["nonce"] == calls[1].params["nonce"]


async def test_the_library_keeps_within_the_limits(monkeypatch):
    options = DiscordOptions(limits=Limits(scale=50))
    async with discord_py_at(monkeypatch, options) as emulator, connected() as client:
        direct = emulator.playground.direct(emulator.playground.person())
        channel = await client.fetch_channel(int(direct))
        for number in range(12):
            await channel.send(str(number))
        assert len(emulator.playground.shown(direct)) == 12
        assert {call.status for call in emulator.calls.since(method="createMessage")} == {200}


async def test_errors_of_the_platform_become_the_right_exceptions(emulator):
    play = emulator.playground
    ann = play.person("Ann")
    direct, channel = play.direct(ann), play.channel(ann)
    async with connected() as client:
        place, text = await client.fetch_channel(int(direct)), client.get_channel(int(channel))
        play.shut_out(direct)
        play.shut_out(channel)
        for where, code in ((place, 50007), (text, 50001)):
            with pytest.raises(discord.Forbidden) as refused:
                await where.send("x")
            assert refused.value.code == code
        with pytest.raises(discord.NotFound) as missing:
            await client.fetch_channel(17)
        assert missing.value.code == 10003
        emulator.people.permit(int(direct))
        with pytest.raises(discord.HTTPException) as invalid:
            await place.send("x" * 2001)
        assert invalid.value.code == 50035
        assert "2000 or fewer in length" in invalid.value.text


async def test_places_come_and_go(emulator):
    play = emulator.playground
    ann = play.person("Ann")
    channel = int(play.channel(ann))
    async with connected() as client:
        guild = emulator.world.channel(channel).guild
        made = emulator.people.add_channel(guild, "new")
        emulator.people.drop_channel(channel)
        play.say(ann, str(made.id), "here?")
        heard = await client.hear()
        assert heard.channel.name == "new"
        assert client.get_channel(channel) is None
        emulator.people.expel(guild.id)
        other = emulator.people.add_guild("Other", (int(ann),))
        play.say(ann, str(next(iter(other.channels))), "and here?")
        assert (await client.hear()).guild.name == "Other"
        assert [one.name for one in client.guilds] == ["Other"]
