"""Interrupted work that is offered instead of being gone on with, and replies that are held."""

import pytest

from tests.playbook.play import play

ASK = {"resume": {"instruction": "ask"}}


@pytest.mark.parametrize(("instruction", "word"), [("ask", "asks"), ("notify", "tells")])
async def test_one_offer_per_interruption_and_one_resume(tmp_path, instruction, word):
    await play(
        tmp_path,
        f"""
        gateway >> start
        ann >> hello
        agent << ann: hello
        agent >> ann: hi
        ann << hi
        ann >> dig a hole
        agent << ann: dig a hole
        gateway >> kill
        gateway >> start
        ann << ({word}) dig a hole [Continue] [Dismiss]
        platform >> reconnect
        gateway >> kill
        gateway >> start
        ann >> [Continue]
        ann << Going on.
        agent << ann: <interrupted; dig a hole; finish it>
        ann >> [Continue]
        ann << (too late)
        platform >> redeliver
        agent >> ann: dug
        ann << dug
        ann >> [Continue]
        ann << (too late)
        ann >> [Dismiss]
        ann << (too late)
        gateway >> kill
        gateway >> start
        platform >> redeliver
        """,
        resume={"instruction": instruction},
    )


async def test_what_is_dismissed_is_over(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> dig a hole
        agent << ann: dig a hole
        gateway >> kill
        gateway >> start
        ann << (asks) dig a hole [Continue] [Dismiss]
        ann >> [Dismiss]
        ann << Dismissed.
        ann >> [Continue]
        ann << (too late)
        ann >> hello
        agent << ann: hello
        agent >> ann: hi
        ann << hi
        gateway >> kill
        gateway >> start
        """,
        **ASK,
    )


async def test_the_next_message_instead_of_a_button(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> dig a hole
        agent << ann: dig a hole
        gateway >> kill
        gateway >> start
        ann << (asks) dig a hole [Continue] [Dismiss]
        ann >> how late is it
        agent << ann: <crash; dig a hole; leave it> how late is it
        ann >> [Continue]
        ann << (too late)
        agent >> ann: noon
        ann << noon
        """,
        **ASK,
    )


async def test_continued_and_interrupted_again_is_offered_again(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> dig a hole
        agent << ann: dig a hole
        gateway >> kill
        gateway >> start
        ann << (asks) dig a hole [Continue] [Dismiss]
        ann >> [Continue]
        ann << Going on.
        agent << ann: <interrupted; dig a hole; finish it>
        gateway >> kill
        gateway >> start
        ann << (asks) dig a hole [Continue] [Dismiss]
        """,
        **ASK,
    )


async def test_an_old_offer_is_about_what_it_was_about(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann@garden/beds >> dig a hole
        agent << garden/beds: Ann: dig a hole
        gateway >> kill
        gateway >> start
        garden/beds << (asks) Ann: dig a hole [Continue] [Dismiss]
        time >> 3h
        gateway >> upkeep
        bob@garden/beds >> [Continue]
        garden/beds << Going on.
        agent << garden/beds: <interrupted; Ann: dig a hole; finish it>
        """,
        **ASK,
    )


async def test_strangers_press_in_vain(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann@garden >> dig a hole
        agent << ann@garden: Ann: dig a hole
        gateway >> kill
        gateway >> start
        garden << (asks) Ann: dig a hole [Continue] [Dismiss]
        eve@garden >> [Continue]
        eve@garden >> [Dismiss]
        ann@garden >> [Continue]
        garden << Going on.
        agent << ann@garden: <interrupted; Ann: dig a hole; finish it>
        """,
        **ASK,
        access={"default": "deny", "allow": ["telegram:1001", "telegram:1002"]},
    )


async def test_only_steps_of_the_named_kinds_make_it_ask(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> clean up
        agent << ann: clean up
        agent >> ann: (tool rm delete)
        bob >> look around
        agent << bob: look around
        agent >> bob: (tool ls read)
        gateway >> kill
        gateway >> start
        ann << (asks) clean up [Continue] [Dismiss]
        agent << bob: <crash; check ls; look around; finish it>
        ann >> [Continue]
        ann << Going on.
        agent << ann: <interrupted; check rm; clean up; finish it>
        """,
        resume={"ask_for": ["delete"]},
    )


async def test_a_message_does_not_let_a_risky_step_go_on(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> clean up
        agent << ann: clean up
        agent >> ann: (tool rm delete)
        gateway >> kill
        gateway >> start
        ann << (asks) clean up [Continue] [Dismiss]
        ann >> how late is it
        agent << ann: <crash; check rm; clean up; leave it> how late is it
        """,
        resume={"ask_for": ["delete"]},
    )


async def test_switched_off_it_waits_for_the_next_message(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> dig a hole
        agent << ann: dig a hole
        gateway >> kill
        gateway >> start
        ann >> hello
        agent << ann: <crash; dig a hole; leave it> hello
        agent >> ann: hi
        ann << hi
        """,
        resume={"instruction": "off"},
    )


async def test_a_button_pressed_while_the_gateway_was_down(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> dig a hole
        agent << ann: dig a hole
        gateway >> kill
        gateway >> start
        ann << (asks) dig a hole [Continue] [Dismiss]
        gateway >> kill
        ann >> [Continue]
        gateway >> start
        ann << Going on.
        agent << ann: <interrupted; dig a hole; finish it>
        agent >> ann: dug
        ann << dug
        """,
        **ASK,
    )


async def test_a_held_reply_is_sent_when_it_is_asked_for(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        platform >> lose ann
        ann >> dig a hole
        agent << ann: dig a hole
        agent >> ann: dug
        ann << (lost?) dug
        time >> 5s
        ann << (may be lost) [Send it again]
        gateway >> kill
        gateway >> start
        ann >> [Send it again]
        ann << dug
        ann >> [Send it again]
        ann << (too late)
        platform >> redeliver
        """,
        delivery={"on_unknown": "hold"},
    )


async def test_an_operator_drops_or_retries_what_is_held(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        platform >> lose ann
        ann >> dig a hole
        agent << ann: dig a hole
        agent >> ann: dug
        ann << (lost?) dug
        time >> 5s
        ann << (may be lost) [Send it again]
        operator >> drop
        operator << done
        operator >> drop
        operator << refused
        operator >> retry
        operator << done
        ann << dug
        """,
        delivery={"on_unknown": "hold"},
    )


async def test_what_is_dropped_while_it_is_doubtful_is_not_repeated(tmp_path):
    theatre = await play(
        tmp_path,
        """
        gateway >> start
        platform >> lose ann
        ann >> dig a hole
        agent << ann: dig a hole
        agent >> ann: dug
        ann << (lost?) dug
        operator >> drop
        operator << done
        time >> 5s
        ann >> hello
        agent << ann: hello
        agent >> ann: hi
        ann << hi
        """,
    )
    assert len(theatre.chat.tried) == 2
