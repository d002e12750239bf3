"""`carryon sessions …` and `carryon recover --dry-run`, beside a running gateway and without one."""

import time

from gateway.engine.operations import SUSPENDED
from tests.e2e.commands import command, commands

STOPS = "The gateway stops now."
WORK = "bake a cake [[tool oven 10m]]"


async def sessions_of_a_running_gateway(stage):
    """What an operator decides while it runs happens at once."""
    ann, bob = stage.chat("Ann"), stage.chat("Bob")
    ann.say(WORK)
    await stage.in_tool("oven")
    await stage.ask(bob, "remember plums")
    listed = {s["chat"]: s for s in (await command(stage, "sessions", "list", "--json")).values}
    anns, bobs = listed[str(ann.id)], listed[str(bob.id)]
    assert (anns["title"], anns["state"]) == (WORK, "active")

    said = await command(stage, "sessions", "suspend", anns["id"])
    assert (said.code, said.err) == (0, "")
    await stage.shows(ann, SUSPENDED)
    shown = (await command(stage, "sessions", "show", anns["id"], "--json")).values
    assert (shown["state"], shown["reason"]) == ("suspended", "manual")
    assert [turn["state"] for turn in shown["turns"]] == ["interrupted"]
    assert (await command(stage, "sessions", "resume", anns["id"])).code == 0
    await stage.answered(ann, "bake a cake")

    assert (await command(stage, "sessions", "reset", bobs["id"])).code == 0
    await stage.ask(bob, "what do you know [[recall]]")
    assert "I remember nothing." in bob.replies[-1].text
    await stage.settled()
    ann.check(notices=[SUSPENDED])
    bob.check()
    wrong = [(action, n) for action in ("resume", "suspend", "reset", "show") for n in (99, 10**19)]
    for said, (action, n) in zip(
        await commands(stage, *(("sessions", *one) for one in wrong)), wrong, strict=True
    ):
        assert (said.code, said.out) == (1, ""), (action, n)
        assert str(n) in said.err


async def at_work(stage, chats):
    """The gateway works in every one of some chats; the session of each."""
    for chat in chats:
        chat.say(WORK)
    running = "SELECT count(*) FROM steps WHERE kind = 'tool' AND status = 'running'"
    await stage.knows(lambda ledger: ledger.one(running) == len(chats), "running tools")
    ids = dict(stage.ledger.rows("SELECT chat, id FROM sessions"))
    return {chat: ids[str(chat.id)] for chat in chats}


def mark(stage, session, reason, age):
    """Let a session have been interrupted for a reason, so many seconds ago."""
    stage.ledger.edit(
        "UPDATE sessions SET state = 'resume_pending', reason = ?, resume_marked_at = ?, "
        "resume_turn_id = (SELECT id FROM turns WHERE session_id = sessions.id) WHERE id = ?",
        reason,
        time.time() - age,
        session,
    )


async def test_sessions_of_a_running_gateway_and_what_its_next_start_would_do(stage):
    """Every verdict at once: told beforehand from the ledger alone, and then done."""
    names = ("Ann", "Bob", "Eve", "Dan", "Fay", "Gus", "Hal")
    ann, bob, eve, dan, fay, gus, hal = chats = [stage.chat(name) for name in names]
    stage.configure(resume={"ask_for": ["delete"]})
    gateway = await stage.start()
    await sessions_of_a_running_gateway(stage)
    before = stage.ledger.one("SELECT count(*) FROM messages")
    number = await at_work(stage, chats)
    bob.say("and a pie")
    await stage.knows(
        lambda ledger: ledger.one("SELECT count(*) FROM messages") == before + 8, "eight messages"
    )

    told = (await command(stage, "recover", "--dry-run", "--json")).values
    assert {s["verdict"] for s in told["sessions"]} == {"resume", "answer"}
    assert told["interrupted_turns"] == len(chats)
    assert gateway.running
    assert stage.ledger.one("SELECT count(*) FROM turns WHERE state = 'running'") == len(chats)
    await gateway.kill()

    turn = "turn_id = (SELECT turn_id FROM messages WHERE session_id = ? AND turn_id IS NOT NULL)"
    stage.ledger.edit(f"UPDATE steps SET tool_kind = 'delete' WHERE {turn}", number[eve])
    stage.configure(access={"default": "deny", "allow": [f"telegram:{c.id}" for c in chats if c != dan]})
    stage.ledger.edit("UPDATE sessions SET resume_attempts = 3 WHERE id = ?", number[fay])
    mark(stage, number[gus], "restart_interrupted", 7200)
    mark(stage, number[hal], "something_new", 10)

    before = stage.ledger.rows("SELECT * FROM sessions")
    told = (await command(stage, "recover", "--dry-run", "--json")).values
    verdicts = {s["session"]: (s["verdict"], s["why"]) for s in told["sessions"]}
    assert verdicts[number[ann]] == ("resume", "restart_interrupted")
    assert verdicts[number[bob]] == ("answer", "1 waiting")
    assert verdicts[number[eve]] == ("ask", "the outcome of a step is unknown: delete")
    assert verdicts[number[dan]] == ("skip", f"telegram:{dan.id} is no longer allowed")
    assert verdicts[number[fay]] == ("suspend", "resumed 3 times without a turn that ended well")
    assert "longer than 3600 s" in verdicts[number[gus]][1]
    assert "something_new" in verdicts[number[hal]][1]
    assert stage.ledger.rows("SELECT * FROM sessions") == before
    table = (await command(stage, "recover", "--dry-run")).out
    assert f"Turns that the last boot left running: {len(chats)}" in table
    assert (await command(stage, "recover")).code == 1

    await stage.start()
    await stage.answered(ann, "bake a cake")
    await stage.answered(bob, "and a pie")
    await stage.shows(eve, "Shall I go on with it?")
    await stage.shows(fay, "I will not try again by myself.")
    await stage.settled()
    for chat in (dan, gus, hal):
        assert chat.replies == [], str(chat)
    assert stage.ledger.session(hal.id) == ("resume_pending", "something_new")
    assert stage.ledger.session(fay.id) == ("suspended", "resume_loop")


async def test_sessions_of_a_stopped_gateway(stage):
    """What an operator decides while it is stopped happens at the next start."""
    fay, hal, ida = chats = [stage.chat(name) for name in ("Fay", "Hal", "Ida")]
    stage.configure(resume={"enabled": False}, shutdown={"drain_timeout": "0s"})
    await stage.start()
    number = await at_work(stage, chats)
    assert await stage.gateway.stop() == 0
    assert {stage.ledger.session(chat.id)[0] for chat in chats} == {"resume_pending"}

    for word in ("its chat is told", "suspended already"):
        said = await command(stage, "sessions", "suspend", number[ida])
        assert word in said.out + said.err
    for action, session in (("resume", 99), ("suspend", 10**19), ("reset", -1)):
        said = await command(stage, "sessions", action, "--", session)
        assert (said.code, said.out) == (1, ""), (action, session)
    for chat, action in ((fay, "resume"), (hal, "reset")):
        assert (await command(stage, "sessions", action, number[chat])).code == 0
    await stage.start()
    await stage.answered(fay, "bake a cake")
    await stage.shows(ida, SUSPENDED)
    await stage.ask(hal, "what do you know [[recall]]")
    assert "I remember nothing." in hal.replies[-1].text
    await stage.settled()
    assert stage.ledger.session(ida.id) == ("suspended", "manual")
    assert await stage.gateway.stop() == 0

    assert (await command(stage, "sessions", "resume", number[ida])).code == 0
    await stage.start()
    await stage.answered(ida, "bake a cake")
    await stage.settled()
    fay.check(notices=[STOPS])
    ida.check(notices=[STOPS, SUSPENDED])
    assert stage.memory.ran("oven") == len(chats)


async def test_without_a_ledger(stage):
    for words in (("recover", "--dry-run"), ("sessions", "resume", "1"), ("deliveries", "drop", "1")):
        said = await command(stage, *words)
        assert (said.code, said.out) == (1, ""), words
        assert "there is no" in said.err
        assert said.err.startswith("carryon: ")
