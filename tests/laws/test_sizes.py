"""Files stay small enough to be read at once."""

from tests.helpers.sources import PRODUCT, name_of, sources

FILE_LINES = 350

LONG_FILES = {
    "gateway/ports.py": "every port in one place: what the engine needs from the world is one page to read",
}


def test_files_are_short():
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in sources(*PRODUCT)}
    long = {name: lines for name, lines in lengths.items() if lines > FILE_LINES and name not in LONG_FILES}
    assert not long, f"longer than {FILE_LINES} lines: split by noun, or say here why not"


def test_exceptions_are_still_needed():
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in sources(*PRODUCT)}
    assert [name for name in LONG_FILES if lengths.get(name, 0) <= FILE_LINES] == []
