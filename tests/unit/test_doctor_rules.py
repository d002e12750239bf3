"""What the doctor makes of what it sees, without a disk, a ledger or a clock."""

import resource

import pytest

from gateway.doctor import agents, disk, ledger, running
from gateway.doctor.disk import MB, SHARED, file_system
from gateway.model.finding import Level
from gateway.rules.recovery import ResumePolicy
from gateway.store.checkup import Checkup, Group

NOW = 1_000_000.0
POLICY = ResumePolicy()
OK, WARNING, PROBLEM = Level.OK, Level.WARNING, Level.PROBLEM


def levels(findings):
    return [one.level for one in findings]


@pytest.mark.parametrize(
    ("free", "inodes", "level"),
    [
        (500 * MB, None, OK),
        (500 * MB - 1, None, WARNING),
        (50 * MB - 1, None, PROBLEM),
        (500 * MB, 5_000, OK),
        (500 * MB, 4_999, WARNING),
        (500 * MB, 199, PROBLEM),
    ],
)
def test_room_on_the_disk(free, inodes, level):
    found = disk.judged("/x", free, inodes)
    assert found.level is level
    assert bool(found.advice) == (level is not OK)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/srv/carryon/state", "nfs4"),
        ("/srv/carryonstate", "ext4"),
        ("/home/x", "ext4"),
        ("/proc/x", "proc"),
        ("/twice/x", "cifs"),
    ],
)
def test_the_file_system_of_a_path(path, name):
    mounts = [
        ("/", "ext4"),
        ("/proc", "proc"),
        ("/srv/carryon", "nfs4"),
        ("/twice", "tmpfs"),
        ("/twice", "cifs"),
    ]
    assert file_system(path, mounts) == name
    assert file_system(path, []) == ""


def test_file_systems_of_other_machines():
    assert {"nfs", "nfs4", "cifs", "9p", "fuse.sshfs", "smb3"} <= SHARED
    assert not {"ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "apfs"} & SHARED


@pytest.mark.parametrize(
    ("version", "level"),
    [((3, 51, 2), WARNING), ((3, 51, 3), OK), ((3, 40, 1), WARNING), ((4, 0, 0), OK)],
)
def test_versions_of_sqlite(version, level):
    assert ledger.judged_version(version).level is level


@pytest.mark.parametrize(
    ("found", "level", "word"),
    [
        (Checkup(4, 4), OK, "whole"),
        (Checkup(4, 4, complete=False), OK, "within"),
        (Checkup(3, 4), OK, "upgrades"),
        (Checkup(5, 4), PROBLEM, "newer"),
        (Checkup(4, 4, damage=("row 7 missing from index",)), PROBLEM, "row 7"),
    ],
)
def test_a_ledger(found, level, word):
    (line,) = ledger.sound(found)
    assert line.level is level
    assert word in line.found


def group(name, age, latest=None, count=2):
    return Group(name, count, NOW - age, NOW - (age if latest is None else latest), 7)


@pytest.mark.parametrize(
    ("groups", "gateway", "expected"),
    [
        ([], True, []),
        ([group("pending", 299)], True, [OK]),
        ([group("pending", 301)], True, [WARNING]),
        ([group("pending", 9), group("unknown", 301)], True, [WARNING]),
        ([group("sending", 9_999)], False, [OK]),
        ([group("held", 1)], False, [WARNING]),
        ([group("rejected", 9 * 86_400, 86_400)], True, [WARNING]),
        ([group("rejected", 9 * 86_400, 8 * 86_400)], True, [OK]),
        ([group("pending", 1), group("held", 1), group("rejected", 1)], True, [OK, WARNING, WARNING]),
    ],
)
def test_deliveries(groups, gateway, expected):
    assert levels(ledger.deliveries(groups, NOW, running=gateway)) == expected


def test_ages_are_said():
    (line,) = ledger.deliveries([group("held", 3 * 3600)], NOW, running=True)
    assert "2 messages" in line.found
    assert "3 h" in line.found


@pytest.mark.parametrize(
    ("reason", "age", "gateway", "level"),
    [
        ("restart_interrupted", 3600, True, WARNING),
        ("restart_interrupted", 10, True, OK),
        ("restart_interrupted", 3600, False, OK),
        ("agent_lost", 3600, True, OK),  # waits for the next message, as it should
    ],
)
def test_interrupted_conversations(reason, age, gateway, level):
    (line,) = ledger.pending([group(reason, age)], POLICY, NOW, running=gateway)
    assert line.level is level
    assert reason in line.found
    assert "2 conversations" in line.found


def test_a_mark_without_a_time():
    (line,) = ledger.pending([Group("manual", 1, 0.0, 0.0, 1)], POLICY, NOW, running=True)
    assert line.level is OK


@pytest.mark.parametrize(
    ("reason", "level"), [("resume_loop", WARNING), ("manual", OK), ("unheard_of", WARNING)]
)
def test_suspended_conversations(reason, level):
    (line,) = ledger.suspended([group(reason, 60)], NOW)
    assert line.level is level
    assert ("show 7" in line.advice) == (level is WARNING)


@pytest.mark.parametrize(
    ("ages", "expected"),
    [
        ([], []),
        ([90_000], []),
        ([4000], [OK]),
        ([4000, 8000, 12_000], [WARNING]),
        ([1, 2, 3], [WARNING]),
        ([1, 2, 3, 4], [PROBLEM]),
    ],
)
def test_unclean_ends(ages, expected):
    assert levels(ledger.crashed([NOW - age for age in ages], POLICY, NOW)) == expected


@pytest.mark.parametrize(
    ("used", "most", "level"),
    [
        (0, 1024, OK),
        (0, 1023, WARNING),
        (819, 1024, OK),
        (820, 1024, PROBLEM),
        (5, resource.RLIM_INFINITY, OK),
    ],
)
def test_open_files(used, most, level):
    assert running.judged(used, most, "it").level is level


@pytest.mark.parametrize(
    ("content", "node"),
    [
        (b"#!/usr/bin/env node\n", True),
        (b"#!/usr/local/bin/node --no-warnings\n", True),
        (b"#!/usr/bin/python3\n", False),
        (b"#!/opt/nodes/bin/sh\n", False),
        (b"\x7fELF node", False),
        (b"", False),
    ],
)
def test_scripts_for_node(tmp_path, content, node):
    (tmp_path / "agent").write_bytes(content)
    assert agents.runs_on_node(tmp_path / "agent") == node
    assert not agents.runs_on_node(tmp_path / "nothing")
