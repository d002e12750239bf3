"""Real agents finish what they were at when something died, unasked, and do not begin anew."""

import psutil
import pytest

from gateway.rules.note import NOTE_MARKER
from tests.agents.scene import Scene

TOLD = "remember the codeword PAPAYA"
QUESTION = "what was the codeword?"
ESSAY = "write the essay ORCHID"
TOOL = "run the tool WALNUT"
ENDINGS = {"killed": Scene.kill_gateway, "stopped": Scene.stop_gateway}


async def begin(scene):
    """A conversation of one turn, so that there is something to remember."""
    scene.stage.configure(delivery={"stream": "auto"}, shutdown={"drain_timeout": "500ms"})
    await scene.stage.start()
    await scene.ask(TOLD, "NOTED PAPAYA")


async def check_finished(scene, request):
    """The request was continued once and with one note, in the conversation in which it had been made."""
    last = scene.turns[-1]
    assert (last.state, last.resumes) == ("completed", True), scene.told()
    asked = scene.model.book.last(NOTE_MARKER)
    assert asked.notes == 1, scene.told()
    if scene.agent.native:
        assert last.mode == "native", scene.told()
    if last.mode == "native":
        assert asked.told(request) == 1, scene.told()
        assert asked.transcripts == 0, scene.told()
    else:
        assert asked.told(request) == 0, scene.told()
        assert asked.transcripts == 1, scene.told()
    await scene.ask(QUESTION, "CODEWORD=PAPAYA")
    assert scene.turns[-1].mode == "live"


@pytest.mark.parametrize("ending", ENDINGS)
async def test_an_answer_that_was_half_written_is_finished_unasked(scene, ending):
    await begin(scene)
    scene.chat.say(ESSAY)
    await scene.holds(ESSAY)
    await scene.shows("ESSAY ORCHID begins")
    await ENDINGS[ending](scene)
    await scene.shows("ESSAY ORCHID FINISHED")
    await scene.stage.settled()

    await check_finished(scene, ESSAY)


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_tool_that_was_running_is_not_run_again(scene, ending):
    marks = scene.stage.folder / "marks"
    scene.model.commands["WALNUT"] = f"echo $$ >> {marks}; sleep 600"
    await begin(scene)
    scene.chat.say(TOOL)
    shell = int(await scene.written(marks))
    await scene.at_tool()
    await ENDINGS[ending](scene)
    await scene.shows("TOOL WALNUT FINISHED")
    assert not psutil.pid_exists(shell), "the tool's own process has ended"
    await scene.stage.settled()

    asked = scene.model.book.last(NOTE_MARKER)
    known = ending == "stopped" and any("abort" in one.text for one in asked.messages if one.role == "tool")
    assert known or "outcome is unknown" in asked.last, scene.told()
    await check_finished(scene, TOOL)
    assert marks.read_text().splitlines() == [str(shell)]


async def test_an_agent_that_died_at_work_goes_on_with_the_next_message(scene):
    await begin(scene)
    scene.chat.say(ESSAY)
    await scene.holds(ESSAY)
    await scene.shows("ESSAY ORCHID begins")
    await scene.kill_agent()
    await scene.shows("The agent stopped unexpectedly")
    await scene.ask("please go on", "ESSAY ORCHID FINISHED")

    await check_finished(scene, ESSAY)
