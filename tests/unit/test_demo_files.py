"""The files that the demo agent makes: where they lie, what they hold, and what they never touch."""

import struct
import zlib
from pathlib import Path

import pytest

from gateway.agents.demo_files import LARGEST, link, make, picture
from gateway.agents.demo_script import File, Picture, Say, See, plain, read_script


def test_directives_for_files_are_read() -> None:
    script = read_script("a [[file note.txt 5000]] [[file b c.png]][[file]] [[ Image ]] [[see]] b")
    assert script == (
        Say("a"), File("note.txt", 5000), File("b c.png"), File("file.txt"), Picture(), See(), Say("b"),
    )  # fmt: skip
    assert read_script("[[file x 2KB]][[file y 3 m]][[file 2024]]") == (
        File("x", 2048),
        File("y", 3 * 1024 * 1024),
        File("2024"),
    )
    assert plain("a [[file b 3]] c") == "a c"


@pytest.mark.parametrize(("name", "made"), [
    ("note.txt", "note.txt"),
    ("../../etc/passwd", "passwd"),
    ("/etc/cron.d/x", "x"),
    ("..", "file"),
    (".bashrc", "bashrc"),
    ("a\\b\0c.txt", "b_c.txt"),
    ("a(1) [x.txt", "a_1___x.txt"),
])  # fmt: skip
def test_a_file_lies_in_the_working_directory(tmp_path: Path, name: str, made: str) -> None:
    work = tmp_path / "a" / "b" / "c"
    work.mkdir(parents=True)
    assert make(str(work), name, None) == made
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == list(work.iterdir())
    assert len(list(work.iterdir())) == 1


def test_what_is_there_already_is_left_alone_and_the_same_is_made_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("mine")
    outside = tmp_path / "outside"
    (tmp_path / "a-2.txt").symlink_to(outside)
    for _ in range(2):
        assert make(str(tmp_path), "a.txt", 10) == "a-3.txt"
    assert (tmp_path / "a.txt").read_text() == "mine"
    assert not outside.exists()
    assert make(str(tmp_path), "a.txt", 11) == "a-4.txt"


@pytest.mark.parametrize("name", ["a.txt", "a.bin"])
@pytest.mark.parametrize("size", [0, 1, 1000, 100_000])
def test_a_file_is_as_large_as_it_should_be(tmp_path: Path, name: str, size: int) -> None:
    assert (tmp_path / make(str(tmp_path), name, size)).stat().st_size == size


def test_a_file_has_a_usual_size_and_a_largest(tmp_path: Path) -> None:
    assert (tmp_path / make(str(tmp_path), "a.txt", None)).stat().st_size == 1024
    assert (tmp_path / make(str(tmp_path), "b.txt", 10**9)).stat().st_size == LARGEST


@pytest.mark.parametrize("size", [None, 1, 500, 501, 100_000])
def test_a_picture_is_one(size: int | None) -> None:
    data = picture(size)
    assert len(data) == (size if size and size > 300 else len(picture()))
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    position, kinds, pixels = 8, list[bytes](), b""
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        kind, content = data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        assert struct.unpack_from(">I", data, position + 8 + length) == (zlib.crc32(kind + content),)
        kinds.append(kind)
        pixels += content if kind == b"IDAT" else b""
        position += length + 12
    assert (kinds[0], kinds[-1]) == (b"IHDR", b"IEND")
    assert len(zlib.decompress(pixels)) == 8 * (8 * 3 + 1)


def test_links_show_pictures(tmp_path: Path) -> None:
    assert link(make(str(tmp_path), "a.png", None)) == "![a.png](a.png)"
    assert link("a.txt") == "[a.txt](a.txt)"


@pytest.mark.parametrize("cwd", ["", "relative", "/nowhere/at/all"])
def test_without_a_working_directory_nothing_is_made(cwd: str) -> None:
    with pytest.raises(OSError, match=r"no working directory|No such file"):
        make(cwd, "a.txt", 1)
