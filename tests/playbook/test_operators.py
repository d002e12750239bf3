"""What an operator does to one conversation while the gateway runs, and what time does to all of them."""

from tests.playbook.play import play


async def test_a_conversation_that_an_operator_pauses_goes_on_where_it_was(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> dig a hole
        agent << ann: dig a hole
        ann >> and fill it
        operator >> suspend ann
        operator << done
        ann << (paused by the operator)
        operator >> suspend ann
        operator << refused
        gateway >> kill
        gateway >> start
        ann >> hello?
        ann << (paused)
        operator >> resume ann
        operator << done
        agent << ann: <interrupted; dig a hole; finish it and answer> and fill it
        operator >> resume ann
        operator << refused
        agent >> ann: dug and filled
        ann << dug and filled
        agent << ann: hello?
        """,
    )


async def test_a_conversation_that_an_operator_begins_anew(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> dig a hole
        agent << ann: dig a hole
        operator >> reset ann
        operator << done
        ann << (begun anew by the operator)
        gateway >> kill
        gateway >> start
        ann >> hello
        agent << ann#2: hello
        agent >> ann#2: hi
        ann << hi
        operator >> resume ann
        operator << done
        """,
    )


async def test_an_idle_conversation_ends_and_a_new_one_begins(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> hello
        agent << ann: hello
        bob >> dig a hole
        agent << bob: dig a hole
        agent >> ann: hi
        ann << hi
        time >> 59m
        gateway >> upkeep
        ann >> still me
        agent << ann: still me
        time >> 2h
        gateway >> upkeep
        agent >> ann: yes
        ann << yes
        # The time passes while the gateway is down: it is made up for.
        gateway >> kill
        time >> 2h
        gateway >> start
        gateway >> upkeep
        ann >> who am I
        agent << ann#2: who am I
        """,
        sessions={"idle_reset": "1h"},
        resume={"enabled": False},
    )


async def test_upkeep_lets_a_scheduled_resume_lapse(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> dig a hole
        agent << ann: dig a hole
        bob >> sing
        agent << bob: sing
        gateway >> kill
        gateway >> start
        agent << ann: <crash; dig a hole; finish it>
        time >> 2h
        gateway >> upkeep
        agent >> ann: dug
        ann << dug
        bob >> hello
        agent << bob: hello
        agent >> bob: hi
        bob << hi
        """,
        resume={"concurrency": 1},
    )
