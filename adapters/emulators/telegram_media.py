"""Bot API methods that send files, edit their captions, and find them for a download."""

from adapters.emulators.events import JsonObject
from adapters.emulators.telegram_api import Ask, TelegramApi, method_table
from adapters.emulators.telegram_entities import utf16_length
from adapters.emulators.telegram_files import Media, check_photo
from adapters.emulators.telegram_messages import post, rewrite
from adapters.emulators.telegram_params import Params, Upload, bad_request, read_caption, read_markup

_MUSIC = frozenset({"audio/mpeg", "audio/mp3", "audio/mp4", "audio/x-m4a", "audio/m4a", "audio/aac"})


def get_file(api: TelegramApi, ask: Ask) -> JsonObject:
    files = api.world.files
    file_id = ask.params.text("file_id")
    path = files.path(file_id)
    found = files.find(file_id)
    assert found is not None
    return {
        "file_id": found.id,
        "file_unique_id": found.unique_id,
        "file_size": found.size,
        "file_path": path,
    }


def send_photo(api: TelegramApi, ask: Ask) -> JsonObject:
    return _send(api, ask, "photo")


def send_document(api: TelegramApi, ask: Ask) -> JsonObject:
    return _send(api, ask, "document")


def send_audio(api: TelegramApi, ask: Ask) -> JsonObject:
    return _send(api, ask, "audio")


def send_voice(api: TelegramApi, ask: Ask) -> JsonObject:
    return _send(api, ask, "voice")


def send_video(api: TelegramApi, ask: Ask) -> JsonObject:
    return _send(api, ask, "video")


def send_animation(api: TelegramApi, ask: Ask) -> JsonObject:
    return _send(api, ask, "animation")


def edit_message_caption(api: TelegramApi, ask: Ask) -> JsonObject:
    text, entities = read_caption(ask.params)
    markup = read_markup(ask.params, inline_only=True)
    message = api.own_message(ask, api.open_chat(ask))
    if message.media is None:
        raise bad_request("there is no caption in the message to edit")
    return rewrite(api, ask, message, text, entities, markup)


def _send(api: TelegramApi, ask: Ask, kind: str) -> JsonObject:
    text, entities = read_caption(ask.params)
    markup = read_markup(ask.params)
    chat = api.open_chat(ask)
    media = _media(api, ask.params, kind)
    assert utf16_length(text) <= 1024
    return post(api, ask, chat, text, entities, markup, media)


def _media(api: TelegramApi, params: Params, kind: str) -> Media:
    """The file that a call sends: one that was uploaded with it, or one that Telegram has."""
    given = params.text(kind)
    upload = params.files.get(given.removeprefix("attach://") if given.startswith("attach://") else kind)
    if upload is not None:
        return _uploaded(api, upload, kind)
    if not given:
        raise bad_request(f"there is no {kind} in the request")
    if given.startswith(("http://", "https://")):
        raise bad_request("failed to get HTTP URL content")  # there is no internet here
    found = api.world.files.find(given)
    if found is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    if found.kind != kind:
        names = {"voice": "VoiceNote", "photo": "Photo", "document": "Document", "audio": "Audio"}
        was, wanted = names.get(found.kind, found.kind.title()), names.get(kind, kind.title())
        raise bad_request(f"can't use file of type {was} as {wanted}")
    return Media(kind, (found,))


def _uploaded(api: TelegramApi, upload: Upload, kind: str) -> Media:
    if not upload.content:
        raise bad_request("file must be non-empty")
    if kind == "photo":
        check_photo(upload.content)
    if kind == "document" and upload.mime == "image/gif":
        kind = "animation"
    if kind == "audio" and upload.mime not in _MUSIC:
        kind = "document"  # what is no music is sent as it is
    return api.world.files.add(kind, upload.content, name=upload.name, mime=upload.mime)


METHODS = method_table(
    get_file,
    send_photo,
    send_document,
    send_audio,
    send_voice,
    send_video,
    send_animation,
    edit_message_caption,
)
