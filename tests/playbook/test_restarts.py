"""Killed and started again: what is owed is done once, and nobody hears more than they have to."""

from tests.playbook.play import play


async def test_law_05_an_interrupted_turn_is_finished_unasked(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> dig a hole
        agent << ann: dig a hole
        agent >> ann: (tool spade)
        gateway >> kill
        gateway >> start
        agent << ann: <crash; check spade; dig a hole; finish it>
        agent >> ann: dug
        ann << dug
        gateway >> kill
        gateway >> start
        """,
    )


async def test_law_05_the_next_message_carries_the_note_and_no_event_follows(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> dig a hole
        agent << ann: dig a hole
        gateway >> kill
        ann >> and fill it
        gateway >> start
        agent << ann: <crash; dig a hole; finish it and answer> and fill it
        agent >> ann: dug and filled
        ann << dug and filled
        platform >> reconnect
        gateway >> kill
        gateway >> start
        """,
    )


async def test_law_02_a_finished_turn_is_delivered_and_not_run_again(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        platform >> lose ann
        ann >> dig a hole
        agent << ann: dig a hole
        agent >> ann: dug
        ann << (lost?) dug
        gateway >> kill
        gateway >> start
        ann << (again?) dug
        gateway >> kill
        gateway >> start
        """,
    )


async def test_law_10_first_in_first_out_across_a_kill(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> one
        agent << ann: one
        ann >> two
        ann >> three
        bob >> uno
        agent << bob: uno
        gateway >> kill
        ann >> four
        gateway >> start
        agent << ann: <crash; one; finish it and answer> two
        agent << bob: <crash; uno; finish it>
        agent >> ann: 1 2
        ann << 1 2
        agent << ann: three
        agent >> bob: I
        bob << I
        agent >> ann: 3
        ann << 3
        agent << ann: four
        agent >> ann: 4
        ann << 4
        """,
    )


async def test_law_10_a_stop_wins_over_the_resume(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> dig a hole
        agent << ann: dig a hole
        gateway >> kill
        config >> {"resume": {"enabled": false}}
        gateway >> start
        ann >> /stop
        ann << (stopped for good)
        gateway >> kill
        config >> {"resume": {"enabled": true}}
        gateway >> start
        platform >> reconnect
        """,
    )


async def test_a_reconnect_schedules_nothing_twice(tmp_path):
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
        agent << bob: <crash; sing; finish it>
        platform >> reconnect
        agent >> ann: dug
        ann << dug
        platform >> reconnect
        agent >> bob: la
        bob << la
        platform >> reconnect
        """,
    )


async def test_a_resumed_turn_that_failed_is_not_tried_again_by_a_reconnect(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> dig a hole
        agent << ann: dig a hole
        gateway >> kill
        gateway >> start
        agent << ann: <crash; dig a hole; finish it>
        agent >> ann: (fails)
        ann << ⚠ It failed. Send /resume to have it tried again.
        platform >> reconnect
        gateway >> kill
        gateway >> start
        ann >> try again
        agent << ann: <error; dig a hole; leave it> try again
        agent >> ann: dug
        ann << dug
        """,
    )


async def test_law_08_three_resumes_without_success_are_enough(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> the deadly one
        agent << ann: the deadly one
        gateway >> kill
        time >> 10m
        gateway >> start
        agent << ann: <crash; the deadly one; finish it>
        gateway >> kill
        time >> 10m
        gateway >> start
        agent << ann: <crash; the deadly one; finish it>
        gateway >> kill
        time >> 10m
        gateway >> start
        agent << ann: <crash; the deadly one; finish it>
        gateway >> kill
        time >> 10m
        gateway >> start
        ann << (given up)
        ann >> hello?
        ann << (paused)
        gateway >> kill
        gateway >> start
        ann >> /resume
        ann << Going on.
        agent << ann: <interrupted; the deadly one; finish it and answer> hello?
        agent >> ann: alive
        ann << alive
        """,
    )


async def test_law_08_after_too_many_crashes_nothing_is_resumed_unasked(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> dig a hole
        agent << ann: dig a hole
        gateway >> kill
        gateway >> start
        agent << ann: <crash; dig a hole; finish it>
        gateway >> kill
        gateway >> start
        ann >> what now
        agent << ann: <crash; dig a hole; finish it and answer> what now
        agent >> ann: dug
        ann << dug
        """,
        resume={"breaker": {"boots": 1}},
    )


async def test_a_stale_marker_goes_on_in_the_same_conversation_without_a_note(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> hello
        agent << ann: hello
        agent >> ann: hi
        ann << hi
        ann >> dig a hole
        agent << ann: dig a hole
        gateway >> kill
        time >> 2h
        gateway >> start
        ann >> are you there
        agent << ann: are you there
        agent >> ann: I am
        ann << I am
        gateway >> kill
        gateway >> start
        """,
    )


async def test_a_resume_that_comes_too_late_is_not_prompted(tmp_path):
    """Scheduled in time, begun too late: the slot for resumes was taken for more than the freshness."""
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
        agent >> ann: dug
        ann << dug
        bob >> hello
        agent << bob: hello
        agent >> bob: hi
        bob << hi
        """,
        resume={"concurrency": 1},
    )


async def test_law_07_who_is_no_longer_allowed_is_neither_resumed_nor_answered(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        eve >> dig a hole
        agent << eve: dig a hole
        eve >> and fill it
        bob >> sing
        agent << bob: sing
        gateway >> kill
        eve >> hello?
        config >> {"access": {"default": "deny", "allow": ["telegram:1002"]}}
        gateway >> start
        agent << bob: <crash; sing; finish it>
        eve << This bot answers only people it knows. If you should be one of them, give its owner this id: telegram:1003 (it goes into access.allow).
        agent >> bob: la
        bob << la
        platform >> reconnect
        """,  # noqa: E501
    )


async def test_an_agent_that_died_waits_for_the_next_message(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> dig a hole
        agent << ann: dig a hole
        agent >> ann: (so far) Half
        agent >> ann: (dies)
        ann << Half / ⚠ It died.
        platform >> reconnect
        gateway >> kill
        gateway >> start
        ann >> go on
        agent << ann: <agent lost; dig a hole; finish it and answer> go on
        agent >> ann: dug
        ann << dug
        """,
    )


async def test_a_new_conversation_leaves_nothing_to_resume(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> dig a hole
        agent << ann: dig a hole
        gateway >> kill
        config >> {"resume": {"enabled": false}}
        gateway >> start
        ann >> /new
        ann << (new conversation)
        gateway >> kill
        config >> {"resume": {"enabled": true}}
        gateway >> start
        ann >> hello
        agent << ann#2: hello
        agent >> ann#2: hi
        ann << hi
        gateway >> kill
        gateway >> start
        """,
    )
