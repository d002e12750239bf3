"""Files on the disk: whole or not there, and never out of an agent's working directory."""

import os
from pathlib import Path

import pytest

from gateway.model.attachment import OutFile
from gateway.store.media import MediaFolder

LIMIT = 1000


@pytest.fixture
def media(tmp_path: Path) -> MediaFolder:
    return MediaFolder(tmp_path / "media")


@pytest.fixture
def cwd(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def came(media: MediaFolder, name: str, data: bytes = b"x") -> None:
    media.begin(name).write_bytes(data)
    media.keep(name)


def test_a_file_has_its_name_when_it_is_whole(media):
    part = media.begin("1-a.txt")
    part.write_bytes(b"half")
    assert not media.has("1-a.txt")
    again = media.begin("1-a.txt")
    assert not again.exists()
    again.write_bytes(b"whole")
    media.keep("1-a.txt")
    assert media.has("1-a.txt")


def test_a_file_is_placed_where_the_agent_works(media, cwd):
    came(media, "1-a.txt", b"words")
    path = media.place("1-a.txt", str(cwd))
    assert Path(path) == cwd / "attachments" / "1-a.txt"
    assert Path(path).read_bytes() == b"words"


def test_what_the_agent_made_of_a_file_stays(media, cwd):
    came(media, "1-a.txt", b"words")
    placed = Path(media.place("1-a.txt", str(cwd)))
    placed.write_bytes(b"changed by the agent")
    media.place("1-a.txt", str(cwd))
    assert placed.read_bytes() == b"changed by the agent"


def test_a_link_in_its_place_is_not_followed(media, cwd, tmp_path):
    came(media, "1-a.txt", b"words")
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (cwd / "attachments").mkdir()
    (cwd / "attachments" / "1-a.txt").symlink_to(secret)
    placed = Path(media.place("1-a.txt", str(cwd)))
    assert placed.read_bytes() == b"words"
    assert secret.read_bytes() == b"secret"


def test_a_file_of_the_agent_is_copied_as_it_is_now(media, cwd):
    (cwd / "sub").mkdir()
    (cwd / "sub" / "Chart 1.png").write_bytes(b"png")
    for path in ("sub/Chart 1.png", "./sub/Chart 1.png", str(cwd / "sub" / "Chart 1.png")):
        taken = media.take(path, str(cwd), "7.1", LIMIT)
        assert taken == OutFile("out/7.1-Chart_1.png", "Chart_1.png", "image/png", 3)
    (cwd / "sub" / "Chart 1.png").write_bytes(b"later")
    assert media.find(taken).read_bytes() == b"png"


@pytest.mark.parametrize(
    "path",
    ["../secret", "/etc/passwd", "link", "sub/../../secret", ".env", ".git/config", ".", "", "sub", "gone",
     "fifo", "attachments/1-a.txt", "sub/.hidden", "\0", "a" * 5000],
)  # fmt: skip
def test_nothing_else_is_handed_out(media, cwd, tmp_path, path):
    (tmp_path / "secret").write_bytes(b"secret")
    (cwd / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(cwd / "fifo")
    for name in (".env", ".git/config", "sub/.hidden", "sub/plain", "attachments/1-a.txt"):
        (cwd / name).parent.mkdir(exist_ok=True)
        (cwd / name).write_bytes(b"hidden")
    assert media.take(path, str(cwd), "7.1", LIMIT) is None


def test_a_folder_that_is_a_link_leads_nowhere(media, cwd, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.txt").write_bytes(b"secret")
    (cwd / "sub").symlink_to(tmp_path / "outside")
    assert media.take("sub/a.txt", str(cwd), "7.1", LIMIT) is None


def test_what_is_too_large_is_named_and_not_copied(media, cwd, tmp_path):
    (cwd / "big.bin").write_bytes(b"x" * (LIMIT + 1))
    assert media.take("big.bin", str(cwd), "7.1", LIMIT) == OutFile(
        "", "big.bin", "application/octet-stream", LIMIT + 1
    )
    assert not (tmp_path / "media").exists()


def test_bytes_are_kept_under_a_safe_name(media):
    kept = media.write("7.1", "../../evil.sh", "text/plain", b"data")
    assert kept == OutFile("out/7.1-evil.sh", "evil.sh", "text/plain", 4)
    assert media.find(kept).read_bytes() == b"data"


def test_what_is_gone_is_not_found(media):
    assert media.find(OutFile("out/7.1-a.txt", "a.txt", "text/plain", 1)) is None
    assert media.find(OutFile("", "a.txt", "text/plain", 1)) is None


def test_old_files_go_unless_they_are_needed(media, tmp_path):
    for name in ("1-old.txt", "2-needed.txt", "3-new.txt"):
        came(media, name)
    kept = media.write("7.1", "old.txt", "text/plain", b"data")
    half = media.begin("4-half.txt")
    half.write_bytes(b"half")
    folder = tmp_path / "media"
    for path in [*folder.glob("in/*"), *folder.glob("in/.*"), *folder.glob("out/*")]:
        if "new" not in path.name:
            os.utime(path, (100, 100))
    assert media.sweep(1000, {"in/2-needed.txt"}) == 3
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == ["2-needed.txt", "3-new.txt"]
    assert media.find(kept) is None


def test_sweeping_before_there_is_anything(media):
    assert media.sweep(1000, ()) == 0


def test_a_folder_of_attachments_that_leads_elsewhere_is_not_written_to(media, cwd, tmp_path):
    came(media, "1-a.txt", b"words")
    (tmp_path / "elsewhere").mkdir()
    (cwd / "attachments").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="is a link"):
        media.place("1-a.txt", str(cwd))
    assert list((tmp_path / "elsewhere").iterdir()) == []
