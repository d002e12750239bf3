"""What Slack says of files, and to whom the token is shown."""

import pytest

from adapters.slack.fetch import Stop, onward, trusted
from adapters.slack.files import attachments_of, read_ref, shared_as, untold
from gateway.model.attachment import Attachment, AttachmentKind

URL = "https://files.slack.com/files-pri/T1-F1/download/a.pdf"
API = "https://slack.com/api/"


def file(**more):
    return {"id": "F1", "name": "a.pdf", "mimetype": "application/pdf", "size": 7, **more}


def one(**more):
    (found,) = attachments_of({"files": [file(**more)]})
    return found


def test_a_file():
    assert one(url_private_download=URL) == Attachment(f"F1 {URL}", "a.pdf", "application/pdf", 7)
    assert read_ref(f"F1 {URL}") == ("F1", URL)


def test_where_it_is_fetched_from():
    assert one(url_private=URL).ref == f"F1 {URL}"
    assert one(url_private=URL, url_private_download="https://files.slack.com/b").ref.endswith("/b")
    for strange in ("", None, 7, "javascript:alert(1)", "https://a b", "https://ä.example/"):
        assert one(url_private=strange).ref == "F1"
    assert read_ref("F1") == ("F1", "")
    for ref in ("", "f1", "no such thing", "https://files.slack.com/"):
        assert read_ref(ref) == ("", "")


@pytest.mark.parametrize(
    ("more", "kind", "mime"),
    [
        ({"mimetype": "image/png"}, AttachmentKind.IMAGE, "image/png"),
        ({"mimetype": "Video/MP4; codecs=x"}, AttachmentKind.VIDEO, "video/mp4"),
        ({"mimetype": "audio/mpeg"}, AttachmentKind.AUDIO, "audio/mpeg"),
        ({"mimetype": "text/plain"}, AttachmentKind.FILE, "text/plain"),
        ({"mimetype": ""}, AttachmentKind.FILE, ""),
        ({"mimetype": None}, AttachmentKind.FILE, ""),
        ({"mimetype": "video/webm", "subtype": "slack_audio"}, AttachmentKind.VOICE, "audio/webm"),
        ({"mimetype": "", "subtype": "slack_audio"}, AttachmentKind.VOICE, "audio/mp4"),
        ({"mimetype": "video/mp4", "subtype": "slack_video"}, AttachmentKind.VIDEO, "video/mp4"),
    ],
)
def test_what_it_is_for_people(more, kind, mime):
    assert (one(**more).kind, one(**more).mime) == (kind, mime)


def test_what_is_not_said():
    assert one(name="", title="A title").name == "A title"
    assert one(name=None).name == "F1"
    assert [one(size=size).size for size in (None, "7", -1, True, 0)] == [None, None, None, None, 0]


def test_what_is_no_file():
    strange = ["x", None, {}, {"id": "../etc"}, {"id": 7}, file(mode="tombstone")]
    assert attachments_of({"files": strange}) == ()
    assert attachments_of({"files": "F1"}) == attachments_of({}) == ()


def test_what_has_to_be_asked_for():
    assert untold({"id": "F1", "file_access": "check_file_info"})
    assert not untold(file(file_access="visible"))
    assert not untold({"file_access": "check_file_info"})


def test_the_message_that_shows_it():
    shares = {
        "public": {"C1": [{"ts": "9.000001"}, {"ts": "10.000001"}, {"ts": "x"}], "C2": [{"ts": "99.000001"}]},
        "private": {"D1": [{"ts": "7.000001"}]},
    }
    assert shared_as({"shares": shares}, "C1") == "10.000001"
    assert shared_as({"shares": shares}, "D1") == "7.000001"
    for nothing in ({"shares": shares}, {}, {"shares": []}, {"shares": {"public": {"C3": None}}}):
        assert shared_as(nothing, "C3") == ""


@pytest.mark.parametrize(
    "url", [URL, "https://slack.com/x", "https://a.b.slack.com/x", "https://slack.com:443/"]
)
def test_slack_is_shown_the_token(url):
    assert trusted(url, API)


@pytest.mark.parametrize(
    "url",
    [
        "http://files.slack.com/x",
        "https://slack.com.example/x",
        "https://files.slack.com@example.org/x",
        "https://example.org/files.slack.com/",
        "https://notslack.com/x",
        "https://example.org\\.slack.com/x",
        "https://example.org#.slack.com/x",
        "https://example.org?.slack.com/x",
        "https://files.slack.com:8443/x",
        "https://files.slack.com/a\\b",
        "https://files.slack.com/a b",
        "//files.slack.com/x",
        "",
    ],
)
def test_nobody_else_is(url):
    assert not trusted(url, API)


def test_a_server_in_slacks_place_is_shown_it_too():
    api = "http://127.0.0.1:8083/api/"
    assert trusted("http://127.0.0.1:8083/files-pri/x", api)
    assert not trusted("http://127.0.0.1:8083.example/x", api)
    assert not trusted("http://127.0.0.1:80/x", api)
    assert not trusted("https://127.0.0.1:8083/x", api)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/files-pri/b", "https://files.slack.com/files-pri/b"),
        ("https://files-origin.slack.com/b", "https://files-origin.slack.com/b"),
        ("https://cdn.example/b?x=1", "https://cdn.example/b?x=1"),
    ],
)
def test_where_slack_sends_on_to(location, expected):
    assert onward(URL, location, API) == expected


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("https://team.slack.com/?redir=%2Ffiles-pri%2Fb", "files:read"),
        ("https://team.slack.com/signin?a=b&redir=x", "files:read"),
        ("http://cdn.example/b", "not safe"),
        ("http://127.0.0.1/b", "not safe"),
        ("file:///etc/passwd", "not safe"),
    ],
)
def test_where_nobody_follows(location, words):
    with pytest.raises(Stop, match=words):
        onward(URL, location, API)
