"""Stopped and started: what can be finished is, the rest is told once and goes on by itself."""

import pytest

from gateway.engine.drain import CUT_NOTICE
from gateway.model.operation import Intent
from tests.playbook.play import difference, play, scenes


async def test_a_turn_that_ends_in_time_is_finished(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> dig a hole
        agent << ann: dig a hole
        ann >> and fill it
        operator >> stop
        bob >> hello
        bob << (waits for the restart)
        bob >> anybody?
        ann >> and a tree
        ann << (waits for the restart)
        agent >> ann: dug
        ann << dug
        gateway << stop
        gateway >> start
        agent << ann: and fill it
        agent << bob: hello
        agent >> bob: hi
        bob << hi
        agent << bob: anybody?
        agent >> bob: me
        bob << me
        agent >> ann: filled
        ann << filled
        agent << ann: and a tree
        agent >> ann: planted
        ann << planted
        """,
    )


async def test_a_turn_that_takes_longer_is_told_cut_and_resumed(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> dig a hole
        agent << ann: dig a hole
        agent >> ann: (tool spade)
        bob >> hello
        agent << bob: hello
        agent >> bob: hi
        bob << hi
        operator >> stop
        time >> 31s
        ann << (cut by a stop)
        gateway << stop
        time >> 10m
        gateway >> start
        agent << ann: <restart; check spade; dig a hole; finish it>
        agent >> ann: dug
        ann << dug
        gateway >> kill
        gateway >> start
        """,
    )


async def test_the_deadline_is_moved_by_who_asks(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> dig a hole
        agent << ann: dig a hole
        operator >> stop 10m
        time >> 60s
        operator >> stop
        ann << (cut by a stop)
        gateway << stop
        """,
    )


async def test_an_agent_that_finishes_while_it_is_cut_keeps_its_answer(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> dig a hole
        agent << ann: dig a hole
        agent >> ann: (when cut) dug after all
        operator >> stop 0s
        ann << (cut by a stop)
        ann << dug after all
        gateway << stop
        gateway >> start
        """,
    )


async def test_killed_while_it_drains(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> dig a hole
        agent << ann: dig a hole
        operator >> stop
        ann >> and fill it
        ann << (waits for the restart)
        gateway >> kill
        gateway >> start
        agent << ann: <crash; dig a hole; finish it and answer> and fill it
        agent >> ann: done
        ann << done
        """,
    )


async def test_a_stop_that_is_undone(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        operator >> undrain
        operator << there is nothing to undo: the gateway is not waiting for running turns
        ann >> dig a hole
        agent << ann: dig a hole
        operator >> stop
        ann >> and fill it
        ann << (waits for the restart)
        bob >> hello
        bob << (waits for the restart)
        operator >> undrain
        operator << serving again
        agent << bob: hello
        operator >> undrain
        operator << there is nothing to undo: the gateway is not waiting for running turns
        agent >> ann: dug
        ann << dug
        agent << ann: and fill it
        agent >> bob: hi
        bob << hi
        # What is told once is told once a drain.
        operator >> stop
        bob >> still there?
        bob << (waits for the restart)
        agent >> ann: filled
        ann << filled
        gateway << stop
        gateway >> start
        agent << bob: still there?
        """,
    )


async def test_a_group_is_told_once_whoever_writes(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        eve >> dig a hole
        agent << eve: dig a hole
        operator >> stop
        ann@garden >> hello
        garden << (waits for the restart)
        bob@garden >> me too
        ann@garden/beds >> hello
        garden/beds << (waits for the restart)
        gateway >> kill
        """,
    )


# /restart


async def test_a_restart_from_a_thread_is_announced_there_once(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann@garden/beds >> /restart
        garden/beds << (restarting)
        gateway << restart
        gateway >> start
        garden/beds << (back)
        platform >> redeliver
        platform >> reconnect
        gateway >> kill
        gateway >> start
        platform >> redeliver
        """,
    )


async def test_who_is_no_administrator_is_refused(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        bob >> /restart
        bob << (admins only)
        bob >> hello
        agent << bob: hello
        """,
    )


async def test_the_restarting_boot_is_killed_while_it_drains(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        bob >> dig a hole
        agent << bob: dig a hole
        ann >> /restart
        ann << (restarting)
        gateway >> kill
        gateway >> start
        ann << (back)
        agent << bob: <crash; dig a hole; finish it>
        platform >> reconnect
        gateway >> kill
        gateway >> start
        agent << bob: <crash; dig a hole; finish it>
        """,
    )


async def test_a_restart_that_is_undone_is_not_announced(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        bob >> dig a hole
        agent << bob: dig a hole
        ann >> /restart
        ann << (restarting)
        operator >> undrain
        operator << serving again
        gateway >> kill
        gateway >> start
        agent << bob: <crash; dig a hole; finish it>
        """,
    )


async def test_an_impatient_administrator_cuts_nobody(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        bob >> dig a hole
        agent << bob: dig a hole
        ann >> /restart
        ann << (restarting)
        ann >> /restart
        ann << (stopping already)
        agent >> bob: dug
        bob << dug
        gateway << restart
        gateway >> start
        ann << (back)
        """,
    )


async def test_a_restart_that_was_asked_for_while_it_was_down_restarts_once(tmp_path):
    await play(
        tmp_path,
        """
        ann >> /restart
        gateway >> start
        ann << (restarting)
        gateway << restart
        gateway >> start
        ann << (back)
        platform >> redeliver
        """,
    )


# The playbooks themselves.


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("gateway >> start\nann >> hello", "agent << ann: hello"),
        ("gateway >> start\nann >> /restart\nann << (restarting)", "gateway << restart"),
    ],
)
async def test_an_effect_that_is_not_written_down_fails(tmp_path, script, told):
    with pytest.raises(AssertionError) as failure:
        await play(tmp_path, script)
    assert told in str(failure.value)


def test_how_a_playbook_is_read():
    first, second = scenes("ann >> hello\n  # a remark\n  agent << ann: hello\nagent >> ann: hi")
    assert (first.actor, first.what, first.effects) == ("ann", "hello", ["agent << ann: hello"])
    assert (second.actor, second.what, second.effects) == ("agent", "ann: hi", [])
    assert "line 1: ann >> hello" in difference(first, [])
    with pytest.raises(AssertionError, match="neither an event nor an effect"):
        scenes("ann > hello")


def test_every_stop_has_its_words():
    assert set(CUT_NOTICE) == set(Intent)
