"""Web API methods about files, and the addresses that take their bytes and hand them out.

The address of an upload needs no token, for it is the secret. The one that hands out wants the token of an
app that may read files; to whoever has none it answers with the way to the page where people log in. See
https://docs.slack.dev/reference/methods/files.completeUploadExternal.
"""

from collections.abc import Callable
from typing import cast
from urllib.parse import quote

from aiohttp import BodyPartReader, web

from adapters.emulators.events import JsonObject
from adapters.emulators.server import Reply
from adapters.emulators.slack_api import Ask, Method, SlackApi
from adapters.emulators.slack_chat import MAX_TEXT, find_thread
from adapters.emulators.slack_files import File
from adapters.emulators.slack_params import ApiError, invalid_arguments
from adapters.emulators.slack_values import Channel, Message

LOGIN = "/"
_PAGE = b"<!DOCTYPE html><html><head><title>Slack</title></head><body>Sign in to your workspace</body></html>"


def get_upload_url(api: SlackApi, ask: Ask) -> JsonObject:
    name, length = ask.params.required("filename"), ask.params.integer("length", 0)
    if length < 1:
        raise ApiError("missing_argument")
    if length > api.largest_file:
        raise ApiError("file_upload_size_restricted")
    file, path = api.files.announce(api.world.bot, name, length)
    return {"upload_url": api.base_url() + path, "file_id": file.id}


def complete_upload(api: SlackApi, ask: Ask) -> JsonObject:
    params = ask.params
    files = _named(api, params.array("files", "invalid_arguments"))
    given, comment = params.text("channel_id"), params.text("initial_comment")[:MAX_TEXT]
    channel = api.writable(given) if given else None
    thread = find_thread(params, channel) if channel else ""
    for file in files:
        file.complete = True
    answer = [file.as_json() for file in files]  # Slack shows them a moment after it has answered
    if channel is not None:
        api.files.show(lambda: _share(api, channel, thread, comment, files))
    return {"files": answer}


def _named(api: SlackApi, given: list[object] | None) -> list[File]:
    if not given:
        raise invalid_arguments("missing required field: files")
    found: list[File] = []
    for one in given:
        fields = cast("JsonObject", one) if isinstance(one, dict) else {}
        file = api.files.find(str(fields.get("id", "")))
        if file is None or file.complete or len(file.content) != file.length:
            raise ApiError("file_not_found")
        file.title = str(fields.get("title") or file.name)
        found.append(file)
    return found


def _share(api: SlackApi, channel: Channel, thread: str, comment: str, files: list[File]) -> None:
    message = Message(
        api.world.stamp(), channel.id, api.world.bot, comment, api.world.app, thread=thread, files=list(files)
    )
    for file in files:
        file.shares.append((channel, message))
    api.place(channel, message)


def files_info(api: SlackApi, ask: Ask) -> JsonObject:
    file = api.files.find(ask.params.required("file"))
    if file is None or not _visible(api, file):
        raise ApiError("file_not_found")
    if file.deleted:
        raise ApiError("file_deleted")
    return {"file": file.as_json(), "comments": [], "response_metadata": {"next_cursor": ""}}


def _visible(api: SlackApi, file: File) -> bool:
    """Whether the app may know of a file: its own, and those in conversations that it is in."""
    return file.owner is api.world.bot or any(channel.bot_in for channel, _ in file.shares)


# Bytes


async def take(request: web.BaseRequest) -> bytes:
    """The bytes of an upload, bare or as the one file of a form."""
    if request.content_type == "multipart/form-data":
        part = await (await request.multipart()).next()
        return bytes(await part.read()) if isinstance(part, BodyPartReader) else b""
    found = bytearray()
    async for chunk in request.content.iter_any():
        found += chunk
    return bytes(found)


def put(api: SlackApi, path: str, content: bytes) -> Reply:
    """Keep the bytes of an upload."""
    file = api.files.awaited(path)
    if file is None or file.complete:
        return _plain(404, "not found")
    if len(content) != file.length:
        return _plain(400, f"expected {file.length} bytes, got {len(content)}")
    file.content = content
    return _plain(200, f"OK - {len(content)}")


def hand_out(api: SlackApi, path: str, authorize: Callable[[], None]) -> Reply:
    """A file's bytes. `authorize` raises ApiError for a token that opens nothing."""
    file = api.files.at(path)
    try:
        authorize()
        api.need("files:read")
    except ApiError as error:
        onward = {"Location": f"{api.base_url()}{LOGIN}?redir={quote(path, safe='')}"}
        return Reply(302, b"", accepted=False, detail=str(error), headers=onward, content_type="text/html")
    if file is None or file.deleted or not file.complete or not _visible(api, file):
        return _plain(404, "not found")
    named = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.name)}"}
    return Reply(200, file.content, headers=named, content_type=file.mime)


def login_page() -> web.Response:
    """What people see who are not logged in."""
    return web.Response(body=_PAGE, content_type="text/html")


def _plain(status: int, text: str) -> Reply:
    good = status == 200
    return Reply(status, text.encode(), accepted=good, detail="" if good else text, content_type="text/plain")


METHODS = (
    Method("files.getUploadURLExternal", get_upload_url, 4, ("files:write",)),
    Method("files.completeUploadExternal", complete_upload, 4, ("files:write",)),
    Method("files.info", files_info, 4, ("files:read",)),
)
