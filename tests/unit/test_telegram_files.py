"""Files that people send in Telegram, as the gateway understands them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.telegram.sdk import Update, User, prepare
from adapters.telegram.translate import translate
from adapters.telegram.updates import Read, read
from gateway.model.attachment import Attachment, AttachmentKind
from gateway.model.message import Change

prepare(Update, User)

ME = User(id=42, is_bot=True, first_name="Carryon", username="Carryon_Bot")
ANN = {"id": 1001, "is_bot": False, "first_name": "Ann"}
DIRECT = {"id": 1001, "type": "private", "first_name": "Ann"}
GROUP = {"id": -100123, "type": "supergroup", "title": "Team"}
FILE = {"file_id": "f", "file_unique_id": "u"}
SIZED = {**FILE, "width": 1, "height": 1}


def update(kind="message", chat=DIRECT, **content):
    return {
        "update_id": 900,
        kind: {"message_id": 7, "date": 1_700_000_000, "chat": chat, "from": ANN, **content},
    }


def heard(raw):
    found = read(raw)
    assert isinstance(found, Read)
    return translate(found.update, ME)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            {"document": {**FILE, "file_name": "report.pdf", "mime_type": "application/pdf", "file_size": 9}},
            Attachment("f", "report.pdf", "application/pdf", 9),
        ),
        ({"document": FILE}, Attachment("f", "document")),
        (
            {"document": {**FILE, "file_name": "a.png", "mime_type": "image/png"}},
            Attachment("f", "a.png", "image/png", None, AttachmentKind.IMAGE),
        ),
        ({"photo": [SIZED]}, Attachment("f", "photo.jpg", "image/jpeg", None, AttachmentKind.IMAGE)),
        (
            {"voice": {**FILE, "duration": 1}},
            Attachment("f", "voice.ogg", "audio/ogg", None, AttachmentKind.VOICE),
        ),
        (
            {"audio": {**FILE, "duration": 1, "file_name": "song.mp3"}},
            Attachment("f", "song.mp3", "audio/mpeg", None, AttachmentKind.AUDIO),
        ),
        (
            {"video": {**SIZED, "duration": 1}},
            Attachment("f", "video.mp4", "video/mp4", None, AttachmentKind.VIDEO),
        ),
        (
            {"video_note": {**FILE, "length": 1, "duration": 1}},
            Attachment("f", "video.mp4", "video/mp4", None, AttachmentKind.VIDEO),
        ),
        (
            {"animation": {**SIZED, "duration": 1}, "document": {**FILE, "file_name": "for old clients"}},
            Attachment("f", "animation.mp4", "video/mp4", None, AttachmentKind.VIDEO),
        ),
    ],
)
def test_a_file_speaks_for_itself(content, expected):
    inbound = heard(update(**content))
    assert (inbound.attachments, inbound.text) == ((expected,), "")


def test_of_a_photo_the_largest_is_taken():
    sizes = [
        {**SIZED, "file_id": name, "width": width, "height": width}
        for name, width in [("s", 90), ("l", 1280), ("m", 320)]
    ]
    (found,) = heard(update(photo=sizes)).attachments
    assert found.ref == "l"


def test_the_caption_is_the_text():
    caption = "@carryon_bot what is this?"
    marks = [{"type": "mention", "offset": 0, "length": 12}]
    inbound = heard(update(chat=GROUP, caption=caption, caption_entities=marks, photo=[SIZED]))
    assert (inbound.text, inbound.to_bot, len(inbound.attachments)) == ("what is this?", True, 1)


def test_a_command_may_have_a_file():
    marks = [{"type": "bot_command", "offset": 0, "length": 4}]
    inbound = heard(update(caption="/new look", caption_entities=marks, document=FILE))
    assert (inbound.command, inbound.text, len(inbound.attachments)) == ("new", "look", 1)


def test_a_sticker_is_no_file():
    sticker = {**SIZED, "type": "regular", "is_animated": False, "is_video": False}
    inbound = heard(update(sticker=sticker))
    assert (inbound.text, inbound.attachments) == ("[sticker]", ())


@pytest.mark.parametrize(("kind", "change"), [("message", Change.NEW), ("edited_message", Change.EDITED)])
def test_whether_it_is_new(kind, change):
    inbound = heard(update(kind, text="hello"))
    assert (inbound.change, inbound.text, inbound.message_ref) == (change, "hello", "7")
    inbound = heard(update(kind, photo=[SIZED], caption="hello"))
    assert (inbound.change, inbound.text, len(inbound.attachments)) == (change, "hello", 1)


# Reading what is not quite right


@pytest.mark.parametrize("kind", ["message", "edited_message"])
@pytest.mark.parametrize(
    "content",
    [
        {"document": {**FILE, "file_size": "large", "thumbnail": {"new": 1}, "file_name": "a.txt"}},
        {"photo": [{"file_id": "f"}, {"file_id": 5}, None]},
        {"voice": {"file_id": "f", "duration": "long"}},
        {"audio": {"file_id": "f"}},
        {"video": {"file_id": "f", "width": None}},
        {"video_note": {"file_id": "f"}},
        {"animation": {"file_id": "f"}, "document": "gone"},
    ],
)
def test_what_is_strange_about_a_file_does_not_cost_it(kind, content):
    raw = update(kind, caption="look", **content)
    found = read(raw)
    assert found.trouble
    inbound = heard(raw)
    assert [one.ref for one in inbound.attachments] == ["f"]
    assert inbound.text == "look"


@pytest.mark.parametrize(
    "content", [{"photo": [{"file_id": 5}]}, {"photo": "gone"}, {"voice": {"file_id": None}}]
)
def test_a_file_that_cannot_be_made_out_is_named(content):
    inbound = heard(update(**content))
    assert inbound.attachments == ()
    assert inbound.text in {"[photo]", "[voice message]"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(FILE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KINDS = ["photo", "document", "voice", "audio", "video", "video_note", "animation", "media_group_id"]


@given(st.dictionaries(st.sampled_from(KINDS), JSON), st.sampled_from(["message", "edited_message"]))
def test_no_file_is_too_strange(content, kind):
    found = read(update(kind, caption="look", **content))
    if isinstance(found, Read):
        translate(found.update, ME)
