"""Files in messages, as Discord tells of them: pure, on payloads as they come."""

import json

import pytest

from adapters.discord.attachments import Ref, attachments, read_ref, url_of
from gateway.model.attachment import AttachmentKind

URL = "https://cdn.discordapp.com/attachments/500/9/a.png?ex=1&is=2&hm=3&"


def message(*files, **more):
    return {"id": "33", "attachments": list(files), **more}


def file(name="a.png", mime="image/png", **more):
    return {"id": "9", "filename": name, "content_type": mime, "size": 12, "url": URL, **more}


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (file(), AttachmentKind.IMAGE),
        (file("a.mp4", "video/mp4"), AttachmentKind.VIDEO),
        (file("a.mp3", "audio/mpeg"), AttachmentKind.AUDIO),
        (file("voice-message.ogg", "audio/ogg", waveform="AAAA"), AttachmentKind.VOICE),
        (file("a.pdf", "application/pdf"), AttachmentKind.FILE),
        (file("a.bin", None), AttachmentKind.FILE),
    ],
)
def test_what_a_file_is(given, kind):
    (found,) = attachments(message(given), 500)
    assert (found.kind, found.name, found.size) == (kind, given["filename"], 12)


def test_a_voice_message_is_one_by_its_flag_too():
    (found,) = attachments(message(file("v.ogg", "audio/ogg"), flags=1 << 13), 500)
    assert found.kind is AttachmentKind.VOICE


def test_the_type_may_have_to_be_told_by_the_name():
    (found,) = attachments(message(file("a.png", "")), 500)
    assert (found.mime, found.kind) == ("image/png", AttachmentKind.IMAGE)
    (found,) = attachments(message(file("a.txt", "text/plain; charset=utf-8")), 500)
    assert found.mime == "text/plain"


@pytest.mark.parametrize(
    ("title", "name"),
    [("Übersicht", "Übersicht.png"), ("Übersicht.png", "Übersicht.png"), ("", "a.png"), (None, "a.png")],
)
def test_the_name_is_the_senders(title, name):
    (found,) = attachments(message(file(title=title)), 500)
    assert found.name == name


def test_where_it_is_can_be_written_down():
    (found,) = attachments(message(file()), 500)
    assert read_ref(found.ref) == Ref(500, 33, 9, URL)


@pytest.mark.parametrize(
    "wrong", ["", "x", "{}", "[]", "7", "null", '["1","2","3",4]', '["1","2","x","u"]', '["1","2","3"]']
)
def test_what_was_not_written_here(wrong):
    assert read_ref(wrong) is None


def test_files_of_what_is_passed_on():
    inner = {"message": {"attachments": [file("b.ogg", "audio/ogg")], "flags": 1 << 13}}
    data = message(message_snapshots=[inner], message_reference={"type": 1})
    (found,) = attachments(data, 500)
    assert (found.name, found.kind) == ("b.ogg", AttachmentKind.VOICE)
    assert read_ref(found.ref).message == 33
    assert url_of(data, 9) == URL
    assert url_of(data, 10) == ""


@pytest.mark.parametrize("broken", [None, 7, {"id": "x"}, {"id": None, "filename": "a"}, []])
def test_what_makes_no_sense_is_left_out(broken):
    assert attachments(message(broken), 500) == ()


@pytest.mark.parametrize("size", [-1, True, "12", None, 1.5])
def test_a_size_that_is_none(size):
    (found,) = attachments(message(file(size=size, filename=None, url=None)), 500)
    assert (found.size, found.name) == (None, "file")
    assert json.loads(found.ref)[3] == ""
