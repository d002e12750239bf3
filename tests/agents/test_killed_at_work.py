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
    assert (last.state, last.mode, last.resumes) == ("completed", "native", 1), scene.told()
    asked = scene.model.book.last(NOTE_MARKER)
    assert (asked.notes, asked.transcripts) == (1, 0), scene.told()
    # Gemini forgets what it was cancelled at: then the note says it, and else it need not.
    told, repeated = asked.told(request), asked.last.count(f"> {request}")
    assert told + repeated == 1, scene.told()
    await scene.ask(QUESTION, "CODEWORD=PAPAYA")
    assert scene.turns[-1].mode == "live"


def is_over(process):
    """Whether a process has ended, even if nobody has asked yet how."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


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
    marks, work = scene.stage.folder / "marks", scene.stage.folder / "work"
    work.write_text(f"echo $$ >> {marks}\nsleep 600\n")
    scene.model.commands["WALNUT"] = f"sh {work}"
    await begin(scene)
    scene.chat.say(TOOL)
    shell = psutil.Process(int(await scene.written(marks)))
    await scene.at_tool()
    await ENDINGS[ending](scene)
    await scene.shows("TOOL WALNUT FINISHED")
    assert is_over(shell), "the tool's own process was left running"
    await scene.stage.settled()

    assert "outcome is unknown" in scene.model.book.last(NOTE_MARKER).last, scene.told()
    await check_finished(scene, TOOL)
    assert marks.read_text().splitlines() == [str(shell.pid)]


async def test_an_agent_that_died_at_work_goes_on_with_the_next_message(scene):
    await begin(scene)
    scene.chat.say(ESSAY)
    await scene.holds(ESSAY)
    await scene.shows("ESSAY ORCHID begins")
    await scene.kill_agent()
    await scene.shows("The agent stopped unexpectedly")
    await scene.ask("please go on", "ESSAY ORCHID FINISHED")

    await check_finished(scene, ESSAY)
