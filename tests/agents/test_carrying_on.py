"""Real agents remember what they were told, whatever died in between.

That it was their own memory is proven by what they sent to the model, and not by what the gateway noted.
"""

import pytest

from gateway.agents.tree import holders
from tests.agents.scene import Scene

TOLD = "remember the codeword PAPAYA"
QUESTION = "what was the codeword?"
ENDINGS = {
    "gateway-killed": Scene.kill_gateway,
    "agent-killed": Scene.kill_agent,
    "gateway-stopped": Scene.stop_gateway,
}


def check_memory(scene, mode):
    """What the model was sent fits the mode that the gateway noted."""
    asked = scene.model.book.last(QUESTION)
    native = mode == "native"
    assert asked.told(TOLD) == int(native), scene.told()
    assert asked.transcripts == int(not native), scene.told()
    source = "history" if native else "transcript"
    assert scene.chat.replies[-1].text == f"CODEWORD=PAPAYA SOURCE={source}", scene.told()


@pytest.mark.parametrize("ending", ENDINGS)
async def test_an_agent_remembers_by_itself(scene, ending):
    await scene.stage.start()
    await scene.ask(TOLD, "NOTED PAPAYA")
    ended = {token for _, token in scene.processes()}

    for times in (1, 2):
        await ENDINGS[ending](scene)
        await scene.ask(QUESTION, "CODEWORD=", times)

        turn = scene.turns[-1]
        assert (turn.state, turn.mode) == ("completed", "native"), scene.told()
        check_memory(scene, turn.mode)
    assert holders(ended) == [], "nothing that the first agent had started is left"


async def test_an_agent_whose_sessions_are_gone_is_given_the_transcript(scene):
    await scene.stage.start()
    await scene.ask(TOLD, "NOTED PAPAYA")
    await scene.stage.gateway.stop()
    assert scene.agent.forget(scene.home)
    await scene.stage.start()
    await scene.ask(QUESTION, "CODEWORD=")

    turn = scene.turns[-1]
    assert turn.mode == "bootstrap", scene.told()
    assert turn.why.startswith("the agent refused to load the session: "), turn.why
    check_memory(scene, "bootstrap")


async def test_no_answer_is_made_up_where_only_the_agents_own_memory_will_do(scene):
    scene.configure(resume="native_required")
    await scene.stage.start()
    await scene.ask(TOLD, "NOTED PAPAYA")
    await scene.stage.gateway.stop()
    assert scene.agent.forget(scene.home)
    await scene.stage.start()
    asked = len(scene.model.book.work)
    await scene.ask(QUESTION, "could not load this conversation")

    assert scene.turns[-1].state == "failed"
    assert len(scene.chat.replies) == 2
    assert len(scene.model.book.work) == asked, "the model was not even asked"
