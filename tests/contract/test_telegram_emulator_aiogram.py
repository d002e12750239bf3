"""Real aiogram against the emulator: every object parses, every refusal becomes the right exception."""

import asyncio

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ParseMode
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    FSInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    MessageEntity,
    ReactionTypeEmoji,
    ReplyParameters,
)

from adapters.emulators.faults import Fault, FaultKind, When
from adapters.emulators.telegram import TelegramEmulator, TelegramOptions
from tests.contract.particulars import png
from tests.contract.telegram_emulator import TOKEN, UNLIMITED

ANN = 1001


@pytest.fixture
async def emulator():
    async with TelegramEmulator(TelegramOptions(limits=UNLIMITED)) as server:
        server.world.add_user("Ann", user_id=ANN, username="ann")
        yield server


def connect(server, token=TOKEN):
    return Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(server.base_url)))


@pytest.fixture
async def bot(emulator):
    client = connect(emulator)
    yield client
    await client.session.close()


async def test_a_conversation(emulator, bot):
    me = await bot.get_me()
    assert (me.id, me.username) == (4242, "carryon_emulator_bot")
    asked = emulator.people.send(ANN, "/ask why?")
    [update] = await bot.get_updates(timeout=0)
    assert update.message.from_user.username == "ann"
    assert update.message.entities[0].type == "bot_command"
    assert await bot.send_chat_action(ANN, "typing")
    keyboard = InlineKeyboardMarkup(
        inline_keyboard=[[InlineKeyboardButton(text="More", callback_data="more")]]
    )
    sent = await bot.send_message(
        ANN,
        "Because 😀 so",
        entities=[MessageEntity(type="bold", offset=11, length=2)],
        reply_parameters=ReplyParameters(message_id=asked.id),
        reply_markup=keyboard,
        link_preview_options=LinkPreviewOptions(is_disabled=True),
    )
    assert sent.reply_to_message.text == "/ask why?"
    assert sent.entities[0].extract_from(sent.text) == "so"
    edited = await bot.edit_message_text(
        "<b>Because</b>",
        chat_id=ANN,
        message_id=sent.message_id,
        parse_mode=ParseMode.HTML,
        reply_markup=keyboard,
    )
    assert (edited.text, edited.entities[0].type) == ("Because", "bold")
    emulator.people.press(ANN, sent.message_id, data="more")
    [_, pressed] = await bot.get_updates(timeout=0)
    assert pressed.callback_query.message.message_id == sent.message_id
    assert await pressed.callback_query.answer("coming").as_(bot)
    assert await bot.set_message_reaction(ANN, asked.id, [ReactionTypeEmoji(emoji="👍")])
    assert await bot.delete_message(ANN, sent.message_id)


async def test_the_rest_of_the_methods_parse(emulator, bot):
    group = emulator.world.add_group("Forum", [ANN], forum=True, bot_admin=True).id
    topic = emulator.world.add_topic(group, "Bugs")
    await bot.get_me()
    emulator.people.send(ANN, "bug", chat_id=group, thread=topic)
    emulator.people.block(ANN)
    updates = await bot.get_updates(allowed_updates=["message", "my_chat_member"])
    assert [update.event_type for update in updates] == ["message", "my_chat_member"]
    assert updates[0].message.is_topic_message
    sent = await bot.send_message(group, "seen", message_thread_id=topic)
    assert sent.message_thread_id == topic
    assert (await bot.get_chat(group)).is_forum
    commands = [BotCommand(command="new", description="a new session")]
    assert await bot.set_my_commands(commands)
    assert [command.command for command in await bot.get_my_commands()] == ["new"]
    assert (await bot.get_webhook_info()).url == ""
    assert await bot.delete_webhook()


async def test_refusals_become_the_right_exceptions(emulator, bot):
    emulator.people.send(ANN, "hi")
    sent = await bot.send_message(ANN, "same")
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await bot.edit_message_text("same", chat_id=ANN, message_id=sent.message_id)
    with pytest.raises(TelegramBadRequest, match="can't parse entities"):
        await bot.send_message(ANN, "1.5", parse_mode=ParseMode.MARKDOWN_V2)
    emulator.people.block(ANN)
    with pytest.raises(TelegramForbiddenError, match="blocked by the user"):
        await bot.send_message(ANN, "x")
    emulator.people.block(ANN, blocked=False)
    for kind, error in (
        (FaultKind.TOO_MANY, TelegramRetryAfter),
        (FaultKind.SERVER_ERROR, TelegramServerError),
        (FaultKind.BAD_GATEWAY, TelegramServerError),
        (FaultKind.DROP, TelegramNetworkError),
        (FaultKind.RUBBISH, ClientDecodeError),
    ):
        emulator.faults.add(Fault(kind, "sendMessage", When.AFTER, retry_after=9))
        with pytest.raises(error) as caught:
            await bot.send_message(ANN, "x")
        if kind is FaultKind.TOO_MANY:
            assert caught.value.retry_after == 9


async def test_files_go_both_ways(emulator, bot, tmp_path):
    path = tmp_path / "näme.txt"
    path.write_bytes(b"content")
    emulator.people.send_file(ANN, emulator.world.files.add("voice", b"a voice", mime="audio/ogg"))
    emulator.people.send_file(ANN, emulator.world.files.add("photo", png(900, 600)), "look")
    heard, seen = [update.message for update in await bot.get_updates(timeout=0)]
    assert heard.content_type == "voice"
    assert (await bot.download(heard.voice)).read() == b"a voice"
    assert (seen.caption, seen.photo[-1].width) == ("look", 900)
    bold = [MessageEntity(type="bold", offset=0, length=4)]
    sent = await bot.send_document(ANN, FSInputFile(path), caption="what I wrote", caption_entities=bold)
    assert (sent.document.file_name, sent.caption_entities[0].type) == ("näme.txt", "bold")
    assert (await bot.download(sent.document)).read() == b"content"
    assert (await bot.send_document(ANN, sent.document.file_id)).document == sent.document
    picture = await bot.send_photo(ANN, BufferedInputFile(png(30, 20), "a.png"), caption="a picture")
    assert (picture.photo[-1].width, picture.photo[-1].height) == (30, 20)
    edited = await bot.edit_message_caption(chat_id=ANN, message_id=picture.message_id, caption="edited")
    assert edited.caption == "edited"
    assert (await bot.send_audio(ANN, BufferedInputFile(b"ID3", "a.mp3"))).content_type in {
        "audio",
        "document",
    }
    assert (await bot.send_voice(ANN, BufferedInputFile(b"OggS", "a.ogg"))).voice
    assert (await bot.send_video(ANN, BufferedInputFile(b"ftyp", "a.mp4"))).video
    for kind in ("document", "audio", "video", "video_note", "animation", "sticker"):
        emulator.people.send_file(ANN, emulator.world.files.add(kind, b"x", name="x", mime="video/mp4"))
    updates = await bot.get_updates(offset=3, timeout=0)
    kinds = [update.message.content_type for update in updates]
    assert kinds == ["document", "audio", "video", "video_note", "animation", "sticker"]


async def test_files_are_refused(emulator, bot):
    emulator.people.send(ANN, "hi")
    with pytest.raises(TelegramBadRequest, match="PHOTO_INVALID_DIMENSIONS"):
        await bot.send_photo(ANN, BufferedInputFile(png(9999, 2), "a.png"))
    with pytest.raises(TelegramBadRequest, match="caption is too long"):
        await bot.send_document(ANN, BufferedInputFile(b"x", "a.txt"), caption="x" * 1025)
    with pytest.raises(TelegramBadRequest, match="file is too big"):
        await bot.get_file(emulator.world.files.add("document", bytes(20 * 1024 * 1024 + 1)).file.id)


async def test_drafts_and_edits_parse(emulator, bot):
    asked = emulator.people.send(ANN, "helo")
    emulator.people.edit(ANN, asked.id, "hello")
    _, edited = await bot.get_updates(timeout=0)
    assert (edited.edited_message.text, edited.edited_message.message_id) == ("hello", asked.id)
    bold = [MessageEntity(type="bold", offset=0, length=2)]
    assert await bot.send_message_draft(ANN, draft_id=1, text="so far", entities=bold)
    group = emulator.world.add_group("Team", [ANN]).id
    with pytest.raises(TelegramBadRequest, match="TEXTDRAFT_PEER_INVALID"):
        await bot.send_message_draft(group, draft_id=1, text="so far")


async def test_unauthorized():
    async with TelegramEmulator(TelegramOptions(tokens=(TOKEN,))) as server:
        stranger = connect(server, "77:stranger")
        with pytest.raises(TelegramUnauthorizedError):
            await stranger.get_me()
        await stranger.session.close()


async def test_two_pollers(emulator, bot):
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(asyncio.wait({asyncio.ensure_future(bot.get_updates(timeout=30))}))
        await emulator.wait("polling")
        second = tasks.create_task(bot.get_updates(timeout=30))
        await first
        emulator.people.send(ANN, "hello")
    [done] = first.result()[0]
    assert isinstance(done.exception(), TelegramConflictError)
    assert [update.message.text for update in second.result()] == ["hello"]


async def test_a_malformed_update_spoils_its_batch_until_it_is_confirmed(emulator, bot):
    emulator.people.send(ANN, "before")
    poison = emulator.world.bot().updates.push_raw({"message": {"message_id": "not a number"}})
    emulator.people.send(ANN, "after")
    for _ in range(2):
        with pytest.raises(ClientDecodeError):
            await bot.get_updates(timeout=0)
    [after] = await bot.get_updates(offset=poison + 1, timeout=0)
    assert after.message.text == "after"
