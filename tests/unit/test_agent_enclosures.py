"""Which files an agent is given whole: by what it takes, by what they are, and by how large they are."""

import base64
from pathlib import Path

import pytest

from gateway.agents import enclosures
from gateway.agents.connection import Abilities
from gateway.agents.enclosures import Link, Media, enclose
from gateway.model.attachment import AttachmentKind, PromptFile

ALL = Abilities(image=True, audio=True)
PNG = b"\x89PNG\r\n\x1a\n"
WEBP = b"RIFF\0\0\0\0WEBP"


def file(folder: Path, content: bytes, mime: str = "image/png", kind: str = "image") -> PromptFile:
    path = folder / f"{len(list(folder.iterdir()))}-a b"
    path.write_bytes(content)
    return PromptFile(str(path), path.name, mime, AttachmentKind(kind))


def kinds(*files: PromptFile, abilities: Abilities = ALL) -> list[str]:
    return [one.kind if isinstance(one, Media) else "link" for one in enclose(files, abilities)]


@pytest.mark.parametrize(("content", "mime"), [
    (PNG, "image/png"),
    (b"\xff\xd8\xff\xe0", "image/jpeg"),
    (b"GIF89a", "image/gif"),
    (WEBP, "image/webp"),
])  # fmt: skip
@pytest.mark.parametrize("claimed", ["image/png", "image/webp", ""])
def test_an_image_is_what_it_is_and_not_what_it_is_called(
    tmp_path: Path, content: bytes, mime: str, claimed: str
) -> None:
    given = file(tmp_path, content, claimed)
    uri = Path(given.path).as_uri()
    assert enclose([given], ALL) == (Media("image", uri, mime, base64.b64encode(content).decode()),)


@pytest.mark.parametrize(("content", "mime", "kind"), [
    (b"<svg/>", "image/svg+xml", "image"),
    (PNG, "image/heic", "image"),
    (b"no picture", "image/png", "image"),
    (b"", "image/png", "image"),
    (PNG, "image/png", "file"),
    (b"a song", "", "audio"),
    (b"a song", "video/mp4", "voice"),
    (b"", "audio/ogg", "voice"),
    (b"a film", "video/mp4", "video"),
])  # fmt: skip
def test_everything_else_is_a_link(tmp_path: Path, content: bytes, mime: str, kind: str) -> None:
    given = file(tmp_path, content, mime, kind)
    assert enclose([given], ALL) == (Link(Path(given.path).as_uri(), given.name, mime, len(content)),)
    assert "%20" in Path(given.path).as_uri()


def test_an_agent_is_given_whole_what_it_says_that_it_takes(tmp_path: Path) -> None:
    files = (
        file(tmp_path, PNG),
        file(tmp_path, b"a", "audio/ogg", "voice"),
        file(tmp_path, b"a", "audio/mp4", "audio"),
    )
    assert kinds(*files) == ["image", "audio", "audio"]
    assert kinds(*files, abilities=Abilities(image=True)) == ["image", "link", "link"]
    assert kinds(*files, abilities=Abilities(audio=True)) == ["link", "audio", "audio"]
    assert kinds(*files, abilities=Abilities()) == ["link"] * 3


@pytest.mark.parametrize(("kind", "mime"), [("image", "image/png"), ("voice", "audio/ogg")])
def test_a_file_has_a_size_above_which_it_is_a_link(tmp_path: Path, kind: str, mime: str) -> None:
    assert enclosures.FILE_LIMIT * 4 // 3 <= 5_000_000
    whole = PNG + bytes(enclosures.FILE_LIMIT - len(PNG))
    assert kinds(file(tmp_path, whole, mime, kind)) == ["image" if kind == "image" else "audio"]
    assert kinds(file(tmp_path, whole + b"!", mime, kind)) == ["link"]


def test_several_files_together_have_one_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert enclosures.PROMPT_LIMIT == 15 * 1024 * 1024
    monkeypatch.setattr(enclosures, "PROMPT_LIMIT", 100)
    first, large, last = (file(tmp_path, PNG + bytes(size - len(PNG))) for size in (60, 41, 40))
    assert kinds(first, large, last) == ["image", "link", "image"]
    assert kinds(first, last, large, last) == ["image", "image", "link", "link"]


def test_what_is_no_plain_file_is_left_out(tmp_path: Path) -> None:
    there = file(tmp_path, PNG)
    (tmp_path / "link.png").symlink_to(there.path)
    names = ("link.png", "gone.png", "", "nu\0ll")
    others = [PromptFile(f"{tmp_path}/{name}", name, "image/png", AttachmentKind.IMAGE) for name in names]
    assert kinds(*others, there) == ["image"]
