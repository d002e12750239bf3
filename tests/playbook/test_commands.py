"""Commands over restarts: what was said is done, once, in the conversation in which it was meant."""

from tests.playbook.play import play


async def test_an_error_is_tried_again_at_a_word(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> dig a hole
        agent << ann: dig a hole
        agent >> ann: (fails)
        ann << ⚠ It failed. Send /resume to have it tried again.
        ann >> /retry
        ann << Asking again: “dig a hole”
        agent << ann: dig a hole
        agent >> ann: dug
        ann << dug
        platform >> redeliver
        """,
    )


async def test_steps_in_doubt_are_told_of_and_the_request_is_not_finished_besides(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> dig a hole
        agent << ann: dig a hole
        agent >> ann: (tool spade)
        agent >> ann: (fails)
        ann << ⚠ It failed. Send /resume to have it tried again.
        ann >> /retry
        ann << Asking again: “dig a hole”
        agent << ann: <error; check spade; dig a hole; leave it> dig a hole
        """,
    )


async def test_what_is_asked_again_survives_a_kill_once(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> dig a hole
        agent << ann: dig a hole
        agent >> ann: dug
        ann << dug
        ann >> /retry
        ann << Asking again: “dig a hole”
        agent << ann: dig a hole
        gateway >> kill
        gateway >> start
        agent << ann: <crash; dig a hole; finish it>
        agent >> ann: dug again
        ann << dug again
        gateway >> kill
        gateway >> start
        platform >> redeliver
        """,
    )


async def test_an_earlier_conversation_comes_back_and_stays_over_a_kill(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> dig a hole
        agent << ann: dig a hole
        agent >> ann: dug
        ann << dug
        ann >> /new plant a tree
        ann << (new conversation)
        agent << ann#2: plant a tree
        ann >> /resume 1
        ann << The agent is at work here. Wait for its answer, or send /stop first.
        agent >> ann#2: planted
        ann << planted
        ann >> /resume 1
        ann << Conversation 1 goes on here: “dig a hole”.
        gateway >> kill
        gateway >> start
        ann >> deeper
        agent << ann#3: deeper
        """,
    )


async def test_what_was_left_half_done_is_not_gone_on_with_elsewhere(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> dig a hole
        agent << ann: dig a hole
        agent >> ann: dug
        ann << dug
        ann >> /new
        ann << (new conversation)
        ann >> plant
        agent << ann#2: plant
        agent >> ann#2: (tool spade)
        agent >> ann#2: (dies)
        ann << ⚠ It died.
        ann >> /resume 1
        ann << Conversation 1 goes on here: “dig a hole”.
        gateway >> kill
        gateway >> start
        ann >> /resume 2
        ann << Conversation 2 goes on here: “plant”. Its last request was cut short: /resume finishes it.
        gateway >> kill
        gateway >> start
        ann >> /resume
        ann << Going on.
        agent << ann#4: <interrupted; check spade; plant; finish it>
        """,
    )


async def test_what_waits_is_taken_back_and_not_answered_after_a_restart(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        ann >> dig a hole
        agent << ann: dig a hole
        ann >> plant a tree
        ann >> water it
        ann >> /queue
        ann << 2 messages waiting: / 1. plant a tree / 2. water it
        ann >> /queue drop 1
        ann << Taken back: “plant a tree”
        gateway >> kill
        gateway >> start
        agent << ann: <crash; dig a hole; finish it and answer> water it
        """,
    )


async def test_in_a_thread_only_ones_own_is_taken_back(tmp_path):
    await play(
        tmp_path,
        """
        gateway >> start
        bob@garden/beds >> dig a hole
        agent << garden/beds: Bob: dig a hole
        bob@garden/beds >> plant a tree
        eve@garden/beds >> water it
        eve@garden/beds >> /queue drop 1
        garden/beds << Only its author and administrators can take that back.
        eve@garden/beds >> /queue clear
        garden/beds << Taken back: 1 message. 1 message still waiting.
        ann@garden/beds >> /queue drop 1
        garden/beds << Taken back: “Bob: plant a tree”
        agent >> garden/beds: dug
        garden/beds << dug
        eve@garden/beds >> /retry
        garden/beds << Asking again: “Bob: dig a hole”
        agent << garden/beds: Bob: dig a hole
        """,
    )
