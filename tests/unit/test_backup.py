"""`carryon backup`: consistent beside a writer, whole or not there, and nothing private in its listing."""

import asyncio
import gzip
import io
import json
import lzma
import os
import re
import resource
import shutil
import signal
import sqlite3
import stat
import sys
import tarfile
import threading
from contextlib import closing, contextmanager, suppress

import pytest

from gateway import cli, keeping, restoring
from gateway.config.file import load
from gateway.config.ledger import LedgerUrl
from gateway.errors import CarryonError, LedgerDamaged, LedgerUnavailable, SchemaTooNew, UsageError
from gateway.store import manifest
from gateway.store.backup import manifest_of, unpack
from gateway.store.copying import copy_ledger
from gateway.store.lock import hold_state
from gateway.store.manifest import BackupUnusable
from gateway.store.migrate import migrations
from gateway.store.sqlite import LEDGER_FILE
from tests.harness.forks import Fork, bare_environment
from tests.harness.settings import settings, write
from tests.harness.waiting import within
from tests.helpers.schemas import put

NEWEST = migrations()[-1].number
SECRET = "4242:a-token-of-valid-shape"


@pytest.fixture
def config(tmp_path):
    """A config whose ledger has lived."""
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    put(NEWEST, state / LEDGER_FILE)
    for name in ("in/2-pear.png", "out/n-plan.txt", "in/1-plum.png"):
        path = state / "media" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return load(write(tmp_path / "gateway.yaml", settings(tmp_path, "http://127.0.0.1:1")), {})


@pytest.fixture
def carryon(capsys, monkeypatch, tmp_path, config):
    """Run the command in this process: its exit code, its output and its complaints."""
    del config

    def run(*args):
        monkeypatch.setattr(sys, "argv", ["carryon", "-c", str(tmp_path / "gateway.yaml"), *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            sys.exit(cli.main())
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return ended.value.code or 0, out, err

    return run


def keep(config, target=None, keep_last=None, **more):
    return keeping.keep(config, target, keep_last, **{"workspaces": False, **more})


def names(path):
    with tarfile.open(path) as tar:
        return tar.getnames()


class Writer:
    """Moves an amount between two rows that are far apart, all the time, until it is told to stop."""

    ROWS = 4000
    MOST = 30_000

    def __init__(self, path):
        self.path, self.moved, self.failed = path, 0, None
        self.stopping, self.begun = threading.Event(), threading.Event()
        with closing(sqlite3.connect(path, isolation_level=None)) as raw:
            raw.execute("PRAGMA journal_mode = WAL")
            raw.execute("CREATE TABLE amounts (id INTEGER PRIMARY KEY, amount INTEGER, filling TEXT)")
            rows = ((number, 100, "x" * 2000) for number in range(self.ROWS))
            raw.execute("BEGIN")
            raw.executemany("INSERT INTO amounts VALUES (?, ?, ?)", rows)
            raw.execute("COMMIT")
        self.thread = threading.Thread(target=self.run)

    def run(self):
        with closing(sqlite3.connect(self.path, isolation_level=None, timeout=0)) as raw:
            raw.execute("PRAGMA synchronous = OFF")
            try:
                while not self.stopping.is_set() and self.moved < self.MOST:
                    raw.execute("BEGIN IMMEDIATE")
                    raw.execute("UPDATE amounts SET amount = amount - 1 WHERE id = 0")
                    raw.execute("UPDATE amounts SET amount = amount + 1 WHERE id = ?", (self.ROWS - 1,))
                    raw.execute("COMMIT")
                    self.moved += 1
                    self.begun.set()
            except sqlite3.Error as error:
                self.failed = error
                self.begun.set()


def test_a_copy_is_of_one_moment_and_ends_under_constant_writes(tmp_path):
    writer = Writer(tmp_path / "db")
    writer.thread.start()
    try:
        assert writer.begun.wait(60)
        before = writer.moved
        copy_ledger(tmp_path / "db", tmp_path / "copy", pause=0.002)
        during = writer.moved - before
        alive = writer.thread.is_alive()
    finally:
        writer.stopping.set()
        writer.thread.join()
    assert writer.failed is None, "a writer that does not wait at all was never held up"
    assert alive, "the copy ended before the writer did"
    assert during > 1, "it was written meanwhile"
    with closing(sqlite3.connect(tmp_path / "copy")) as raw:
        assert raw.execute("SELECT sum(amount) FROM amounts").fetchone() == (100 * Writer.ROWS,)
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("delete",), "it is one file"


def test_it_holds_the_ledger_and_the_files_that_this_needs(config):
    kept = keep(config)
    assert kept.path.parent == config.state_dir / "backups"
    assert names(kept.path) == [
        LEDGER_FILE,
        "media/in/2-pear.png",
        "media/out/n-plan.txt",
        "manifest.json",
    ]
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.path.parent.stat().st_mode) == 0o700
    assert [one.name for one in kept.path.parent.iterdir()] == [kept.path.name], "nothing else is left there"
    manifest = manifest_of(kept.path)
    assert (manifest.schema, manifest.at_rest, manifest.clean) == (NEWEST, True, False)
    assert manifest.accounts == {"telegram": "telegram"}
    assert manifest.counts["waiting"] == 2
    assert manifest.left_out == 0


def test_a_file_that_is_gone_is_counted(config):
    (config.state_dir / "media" / "in" / "2-pear.png").unlink()
    assert keep(config).manifest.left_out == 1


def test_beside_a_gateway_it_says_so(config):
    with hold_state(config.state_dir):
        kept = keep(config)
    assert not kept.manifest.at_rest


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_gateway_may_start_as_soon_as_the_moment_is_fixed(config, tmp_path, monkeypatch, mode):
    """In WAL mode, as every gateway leaves its ledger. In another one a reader is in the way of the first."""
    path, seen = config.state_dir / LEDGER_FILE, []
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(f"PRAGMA journal_mode = {mode}")
    was = boots(path)

    def start(_):  # between two goes of the copy
        try:
            with hold_state(config.state_dir), closing(sqlite3.connect(path, timeout=0)) as raw, raw:
                raw.execute(
                    "INSERT INTO boots (replica, pid, state, started_at, seen_at) VALUES ('r', 1, 's', 1, 1)"
                )
            seen.append("started")
        except CarryonError:
            seen.append("refused")

    with monkeypatch.context() as patch:
        patch.setattr("gateway.store.copying.time.sleep", start)
        kept = keep(config)
    assert set(seen) == {"started" if mode == "wal" else "refused"}
    assert kept.manifest.at_rest
    unpack(kept.path, tmp_path / "out")
    assert boots(tmp_path / "out" / LEDGER_FILE) == was, "what is at rest is what the backup holds"
    with hold_state(config.state_dir):
        pass


def boots(path):
    with closing(sqlite3.connect(path)) as raw:
        return raw.execute("SELECT count(*) FROM boots").fetchone()


def test_a_copy_that_fails_at_rest_says_why(config):
    """A place that is too small for the copy, found out in the middle of it."""
    with limited(8192), pytest.raises(LedgerUnavailable, match="cannot be copied"):
        keep(config)
    assert list((config.state_dir / "backups").iterdir()) == []


@contextmanager
def limited(size):
    """No file may become larger."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_no_room_where_it_is_restored_to_is_not_the_fault_of_the_backup(config, tmp_path):
    path = keep(config, tmp_path / "k1.tar").path
    with (
        limited(8192),
        pytest.raises(CarryonError, match=r"the ledger cannot be written .* too large") as caught,
    ):
        restoring.restore(path, tmp_path / "new", restoring.Wish())
    assert "k1.tar" not in str(caught.value)
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["lock"]
    assert restoring.restore(path, tmp_path / "new", restoring.Wish()).exact


def test_what_cannot_be_read_is_not_the_fault_of_the_place(config, tmp_path):
    path = keep(config, tmp_path / "k1.tar").path

    def broken(_):  # what is open there is a directory by now: it fails when it is read
        there = os.open(tmp_path, os.O_RDONLY)
        for one in range(3, 256):
            with suppress(OSError):
                if os.path.samestat(os.fstat(one), path.stat()):
                    os.dup2(there, one)
        os.close(there)
        return True

    with pytest.raises(CarryonError, match=r"k1\.tar: Is a directory"):
        unpack(path, tmp_path / "out", broken)


def test_an_older_ledger_is_kept_as_it_is(config, tmp_path):
    (config.state_dir / LEDGER_FILE).unlink()
    put(2, config.state_dir / LEDGER_FILE)
    kept = keep(config)
    assert kept.manifest.schema == 2
    unpack(kept.path, tmp_path / "out")
    with closing(sqlite3.connect(tmp_path / "out" / LEDGER_FILE)) as raw:
        assert raw.execute("PRAGMA user_version").fetchone() == (2,)


def test_a_newer_ledger_is_left_to_the_newer_version(config):
    with closing(sqlite3.connect(config.state_dir / LEDGER_FILE)) as raw:
        raw.execute(f"PRAGMA user_version = {NEWEST + 1}")
    with pytest.raises(SchemaTooNew):
        keep(config)


def test_a_damaged_ledger_is_no_backup(config):
    with (config.state_dir / LEDGER_FILE).open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xff" * 4096)
    with pytest.raises(LedgerDamaged):
        keep(config)
    assert list((config.state_dir / "backups").iterdir()) == []


def test_only_the_latest_are_kept_and_nothing_else_is_touched(config, tmp_path):
    folder = tmp_path / "backups"
    folder.mkdir()
    for name in (
        "carryon-20200101T000000Z.tar",
        "carryon-20200102T000000Z.tar.gz",
        "mine.tar",
        "carryon-x.tar",
    ):
        (folder / name).write_bytes(b"")
        os.utime(folder / name, (1, 1))
    first = keep(config, folder)
    second = keep(config, folder, 2)
    assert {path.name for path in second.pruned} == {
        "carryon-20200101T000000Z.tar",
        "carryon-20200102T000000Z.tar.gz",
    }
    left = {path.name for path in folder.iterdir()}
    assert left == {"mine.tar", "carryon-x.tar", first.path.name, second.path.name}


def test_the_one_just_written_stays_and_the_others_go_by_their_names(config, tmp_path):
    folder = tmp_path / "backups"
    folder.mkdir()
    old = [f"carryon-20200101T000000Z{tail}.tar" for tail in ("", "-2", "-10")]
    future = "carryon-20990101T000000Z.tar"
    for age, name in enumerate((*old, future)):
        (folder / name).write_bytes(b"")
        os.utime(folder / name, (5e9 - age, 5e9 - age))
    kept = keep(config, folder, 3)
    assert {path.name for path in folder.iterdir()} == {kept.path.name, future, old[2]}
    last = keep(config, folder, 1)
    assert list(folder.iterdir()) == [last.path]


def test_a_link_to_nothing_is_not_replaced(config, tmp_path):
    link = tmp_path / "tl.tar"
    link.symlink_to(tmp_path / "elsewhere" / "tl.tar")
    with pytest.raises(CarryonError, match="a link to where nothing is"):
        keep(config, link)
    assert link.is_symlink()


@pytest.mark.parametrize(
    ("target", "keep_last", "error", "why"),
    [
        ("there.tar", None, CarryonError, "exists already"),
        ("new.tar", 3, UsageError, "--keep"),
        ("new.zip", None, UsageError, ".tar"),
        ("nowhere/new.tar", None, CarryonError, "there is no directory"),
    ],
)
def test_where_it_cannot_go(config, tmp_path, target, keep_last, error, why):
    (tmp_path / "there.tar").write_bytes(b"somebody's")
    with pytest.raises(error, match=why):
        keep(config, tmp_path / target, keep_last)
    assert (tmp_path / "there.tar").read_bytes() == b"somebody's"


def test_without_room_none_is_made(config, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 10))
    with pytest.raises(CarryonError, match="make room"):
        keep(config)


def test_compressed_by_its_name(config, tmp_path):
    kept = keep(config, tmp_path / "small.tar.gz")
    assert gzip.decompress(kept.path.read_bytes()).startswith(b"ledger.db")
    assert unpack(kept.path) == kept.manifest


def test_workspaces_go_along_when_wanted(config, tmp_path):
    work = config.state_dir / "workspaces" / "7"
    (work / "deep").mkdir(parents=True)
    (work / "run.sh").write_text("#!/bin/sh")
    (work / "run.sh").chmod(0o755)
    (work / "deep" / "note").write_text("words")
    (work / "out").symlink_to("/etc/passwd")
    (work / "all").symlink_to("/etc")
    os.mkfifo(work / "pipe")
    kept = keep(config, tmp_path / "all.tar", workspaces=True)
    assert [name for name in names(kept.path) if "workspaces" in name] == [
        "workspaces/7/run.sh",
        "workspaces/7/deep/note",
    ]
    assert kept.manifest.left_out == 3
    unpack(kept.path, tmp_path / "out")
    assert stat.S_IMODE((tmp_path / "out/workspaces/7/run.sh").stat().st_mode) == 0o700
    assert (tmp_path / "out/workspaces/7/deep/note").read_text() == "words"


def test_the_listing_says_nothing_that_is_private(carryon, config):
    path = keep(config).path
    private = ("plum", "pear", "plan.txt", "Ann", "1001", "a1", "/w/1", "ABCDEFGH", SECRET, "bake", "oven")
    for options in ((), ("--json",)):
        code, out, err = carryon("backup", "--list", path, *options)
        assert (code, err) == (0, "")
        assert not [word for word in private if word in out]
        assert "telegram" in out
    code, out, _ = carryon("backup", "--json")
    assert code == 0
    assert json.loads(out)["counts"]["interrupted"] == 1
    assert not [word for word in private if word in out]


def test_a_listing_does_not_move_the_terminal(carryon, tmp_path, config):
    path, evil = keep(config).path, tmp_path / "evil.tar"
    rebuilt(
        path, evil, manifest=lambda text: text.replace(b'"telegram": "telegram"', b'"\\u001b[2J": "x\\r"')
    )
    _, out, _ = carryon("backup", "--list", evil)
    assert "\x1b" not in out
    assert "\r" not in out


def rebuilt(path, into, *, manifest=lambda text: text, members=list):
    """The archive once more, changed."""
    with tarfile.open(path) as old, tarfile.open(into, "w") as new:
        found = [(one, old.extractfile(one).read()) for one in old]
        for info, content in members(found):
            text = manifest(content) if info.name == "manifest.json" else content
            info.size = len(text) if info.isreg() else 0
            new.addfile(info, io.BytesIO(text))
    return into


def renamed(name):
    """An archive, and its manifest, in which a file has another name."""

    def members(found):
        for info, content in found:
            if info.name == "media/out/n-plan.txt":
                info.name = name
            yield info, content

    return {
        "manifest": lambda text: text.replace(b"media/out/n-plan.txt", name.encode()),
        "members": members,
    }


def linked(found):
    for info, content in found:
        if info.name.startswith("media/out"):
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        yield info, content


def flipped(found):
    return [(i, c[:-1] + bytes([c[-1] ^ 1]) if i.name == LEDGER_FILE else c) for i, c in found]


DAMAGE = {
    "a flipped bit": {"members": flipped},
    "another hash": {"manifest": lambda text: text.replace(b'"sha256": "', b'"sha256": "0')},
    "a member too few": {"members": lambda found: [one for one in found if "media" not in one[0].name]},
    "no ledger": {"members": lambda found: [one for one in found if one[0].name != LEDGER_FILE]},
    "a member twice": {"members": lambda found: [found[0], *found]},
    "no manifest": {"members": lambda found: found[:-1]},
    "a manifest that is none": {"manifest": lambda _: b'{"format": 1}'},
    "a manifest of the future": {"manifest": lambda text: text.replace(b'"format": 1', b'"format": 2')},
    "a count below zero": {"manifest": lambda text: text.replace(b'"left_out": 0', b'"left_out": -1')},
    "a way out": renamed("../outside"),
    "another way out": renamed("workspaces/../../outside"),
    "a way to the root": renamed("/tmp/outside-of-it"),
    "the lock": renamed("lock"),
    "a link": {"members": linked},
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_not_what_was_written_is_refused(config, tmp_path, damage):
    path = rebuilt(keep(config).path, tmp_path / "damaged.tar", **DAMAGE[damage])
    with pytest.raises(BackupUnusable):
        restoring.restore(path, tmp_path / "new", restoring.Wish())
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["lock"]
    assert not (tmp_path / "outside").exists()


def taken(value):
    return {"manifest": lambda text: re.sub(rb'"taken_at": [^,]+', b'"taken_at": ' + value, text)}


def chained(found):
    """Headers that speak of the next one, a thousand times."""
    for _ in range(2000):
        info = tarfile.TarInfo("././@LongLink")
        info.type = tarfile.GNUTYPE_LONGNAME
        found.insert(0, (info, b""))
    return found


TAMPERED = {
    "a moment far ahead": taken(b"1e300"),
    "a moment long ago": taken(b"-1e300"),
    "a moment that is no number": taken(b"NaN"),
    "a moment in words": taken(b'"nan"'),
    "depth": {"manifest": lambda _: b"[" * 200_000 + b"]" * 200_000},
    "no end of schemas": {
        "manifest": lambda text: text.replace(b'"schema": %d' % NEWEST, b'"schema": Infinity')
    },
    "a size beyond counting": {
        "manifest": lambda text: re.sub(rb'"size": \d+', b'"size": 1' + b"0" * 400, text)
    },
    "half a letter": {"manifest": lambda text: text.replace(b'"telegram": "', b'"\\ud800": "')},
    "a chain": {"members": chained},
}


@pytest.mark.parametrize("what", TAMPERED)
def test_what_cannot_have_been_written_is_refused_in_words(carryon, config, tmp_path, what):
    whole = keep(config).path
    path = rebuilt(whole, tmp_path / "tampered.tar", **TAMPERED[what])
    assert path.read_bytes() != whole.read_bytes()
    refused(carryon, path, tmp_path, "manifest" if "manifest" in TAMPERED[what] else "no archive")


def test_a_manifest_that_is_too_large_is_refused_before_it_is_read(carryon, config, tmp_path, monkeypatch):
    whole = keep(config).path
    bomb = b'{"members":[' + b"{}," * (manifest.LARGEST // 3)
    path = rebuilt(whole, tmp_path / "bomb.tar", manifest=lambda _: bomb)
    monkeypatch.setattr(manifest.json, "loads", None)
    refused(carryon, path, tmp_path, "too large")


def test_what_would_make_too_large_a_manifest_is_not_begun(config, monkeypatch):
    monkeypatch.setattr(manifest, "LARGEST", 500)
    with pytest.raises(CarryonError, match="3 files are too many"):
        keep(config)
    assert list((config.state_dir / "backups").iterdir()) == []


def test_too_little_memory_is_told_in_words(carryon, config, monkeypatch):
    def loads(_):
        raise MemoryError

    path = keep(config).path
    monkeypatch.setattr(manifest.json, "loads", loads)
    code, out, err = carryon("backup", "--list", path)
    assert (code, out) == (1, "")
    assert "memory" in err


def test_archives_of_other_kinds_are_refused_in_words(carryon, config, tmp_path):
    whole = lzma.compress(keep(config).path.read_bytes())
    for number, content in enumerate((whole, whole[:200] + b"?" * 200 + whole[400:])):
        path = tmp_path / f"{number}.tar.xz"
        path.write_bytes(content)
        refused(carryon, path, tmp_path)


@pytest.mark.parametrize(
    ("size", "kind"),
    [(-512, b"0"), (1 << 62, b"0"), (1 << 70, b"0"), *((1 << 62, one) for one in (b"x", b"g", b"L", b"K"))],
)
def test_sizes_that_lead_nowhere_are_refused_in_words(carryon, config, tmp_path, size, kind):
    """Also where what is so large would have to be in the memory at once, such as a name."""
    whole = keep(config).path
    with tarfile.open(whole) as tar:
        at = tar.getmembers()[1].offset
    content = bytearray(whole.read_bytes())
    head = content[at : at + 512]
    head[124:136] = size.to_bytes(12, "big", signed=True)
    head[124] |= 0x80
    head[148:157] = b" " * 8 + kind
    head[148:156] = b"%06o\0 " % sum(head)
    content[at : at + 512] = head
    path = tmp_path / "sizes.tar"
    path.write_bytes(content)
    refused(carryon, path, tmp_path)


def test_files_with_holes_are_refused_in_words(carryon, config, tmp_path):
    """A few bytes could be as many as one likes, and would be read for ever."""

    def holed(found):
        for info, content in found:
            if info.name.startswith("media/out"):
                info.pax_headers = {"GNU.sparse.map": "0,0", "GNU.sparse.size": str(1 << 50)}
            yield info, content

    def grown(text):
        manifest = json.loads(text)
        for one in manifest["members"]:
            if one["name"].startswith("media/out"):
                one["size"] = 1 << 50
        return json.dumps(manifest).encode()

    path = rebuilt(keep(config).path, tmp_path / "holes.tar", manifest=grown, members=holed)
    refused(carryon, path, tmp_path, "holes")


def refused(carryon, path, tmp_path, why=""):
    """By both who read it, and nothing is placed."""
    for words in (("backup", "--list", path), ("restore", path, "--state-dir", tmp_path / "new")):
        code, out, err = carryon(*words)
        assert (code, out) == (1, "")
        assert "cannot be used as a backup" in err
        assert why in err.partition(": ")[2].replace(str(path), "")
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["lock"]


@pytest.mark.parametrize("suffix", ["tar", "tar.gz"])
def test_pieces_are_refused(config, tmp_path, suffix):
    whole = keep(config, tmp_path / f"whole.{suffix}").path.read_bytes()
    for number, part in enumerate(
        (whole[: len(whole) // 2], whole[:600], whole[:100], b"", b"no archive" * 99)
    ):
        piece = tmp_path / f"piece-{number}.{suffix}"
        piece.write_bytes(part)
        with pytest.raises(BackupUnusable):
            unpack(piece)


def test_postgresql_is_left_to_its_own_tools(config, tmp_path):
    store = config.store.model_copy(update={"url": LedgerUrl("postgresql://somebody:secret@db/x")})
    there = config.model_copy(update={"store": store})
    with pytest.raises(CarryonError, match="pg_dump") as caught:
        keep(there)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("failpoint", ["backup.copied", "backup.written"])
async def test_killed_it_leaves_no_backup_and_the_next_one_clears_up(config, tmp_path, failpoint):
    folder = tmp_path / "backups"
    folder.mkdir()
    words = ("carryon", "-c", str(tmp_path / "gateway.yaml"), "backup", str(folder))
    fork = await Fork(words, {**bare_environment(), "CARRYON_FAILPOINT": failpoint}).start()
    assert await within(fork.wait(), "its death") == -signal.SIGKILL
    (left,) = folder.iterdir()
    assert left.name.endswith(".part")
    assert stat.S_IMODE(left.stat().st_mode) == 0o700
    kept = await asyncio.to_thread(keep, config, folder)
    assert list(folder.iterdir()) == [kept.path]
