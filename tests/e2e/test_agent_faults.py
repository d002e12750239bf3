"""Agents that fail: one clear line for the user, and a conversation that goes on."""

import sys
from textwrap import dedent

NOISY = dedent(
    """
    import os, sys
    os.write(2, b"noise " * 174763)
    os.execv({demo!r}, [{demo!r}])
    """
)


async def test_an_agent_that_fails_or_dies_at_work(stage):
    ann, bob = stage.chat("Ann"), stage.chat("Bob")
    gateway = await stage.start()
    ann.say("please do this [[fail]]")
    failed = await stage.shows(ann, "⚠")
    assert "told to fail" in failed.text
    await stage.ask(ann, "once more then")

    bob.say("please do that [[crash]]")
    crashed = await stage.shows(bob, "⚠")
    assert "stopped unexpectedly" in crashed.text
    assert "Traceback" not in crashed.text + failed.text
    assert stage.ledger.session(bob.id) == ("resume_pending", "agent_lost")
    await stage.ask(ann, "still with me")
    await stage.settled()
    assert [len(chat.replies) for chat in (ann, bob)] == [3, 1]
    assert gateway.running


async def test_an_agent_that_is_not_there(stage):
    ann = stage.chat("Ann")
    demo = stage.values["agents"]["demo"]["command"]
    stage.configure(agents={"demo": {"command": ["no-such-agent-anywhere"]}})
    gateway = await stage.start()
    ann.say("hello there")
    line = await stage.shows(ann, "⚠")
    assert "could not be started: its command was not found" in line.text
    await stage.settled()
    assert await gateway.stop() == 0

    stage.configure(agents={"demo": {"command": demo}})
    await stage.start()
    await stage.ask(ann, "and now")
    await stage.settled()
    assert len(ann.replies) == 2


async def test_an_agent_that_floods_its_standard_error(stage, tmp_path):
    ann = stage.chat("Ann")
    (command,) = stage.values["agents"]["demo"]["command"]
    program = tmp_path / "noisy.py"
    program.write_text(NOISY.format(demo=str(tmp_path.joinpath(sys.executable).with_name(command))))
    stage.configure(agents={"demo": {"command": [sys.executable, str(program)]}})
    gateway = await stage.start()
    await stage.ask(ann, "hello there")
    await stage.settled()
    ann.check()
    assert "noise noise" not in gateway.log.text
    logs = list((stage.folder / "state" / "agents").glob("demo.log*"))
    assert 0 < sum(log.stat().st_size for log in logs) <= 4 << 20
