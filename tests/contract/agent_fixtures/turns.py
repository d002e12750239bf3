"""What the hostile agent does in a turn, by the name of its way.

Each function is given the agent, the prompt's id, the session and the prompt's texts. It tells whether the
turn is to end well, with the texts as its answer.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from wire import chunk, refuse, reply, request, send, tool, update, write

TURNS = {}


def way(*names: str):
    """Register a function for ways."""

    def register(function):
        TURNS.update(dict.fromkeys(names, function))
        return function

    return register


@way("cuts_a_tool_and_stops", "cuts_a_tool_and_finishes")
def begins_a_tool(agent, number, session, texts):
    if agent.prompts > 1:
        return True
    update(session, tool("t1", "in_progress"))
    return False


@way("silent", "silent_until_cancelled", "finishes_when_cancelled", "fails_when_cancelled")
def falls_silent(agent, number, session, texts):
    if agent.prompts > 1:
        return True
    chunk(session, "at work", "agent_thought_chunk")
    return False


@way("talks_rubbish")
def talks_rubbish(agent, number, session, texts):
    for line in ("Loading model...", "[1, 2]", "42", '"text"', "null", '{"id": [1], "result": {}}', "{", ""):
        write(line + "\n")
    update(session, {"sessionUpdate": "mood_changed", "mood": "grim"})
    return True


@way("floods_stderr")
def floods_stderr(agent, number, session, texts):
    sys.stderr.write("x" * 1024 * 1024 + "\nthe end\n")
    sys.stderr.flush()
    return True


@way("sends_500_chunks")
def sends_500_chunks(agent, number, session, texts):
    for count in range(500):
        chunk(session, f"{count} ")
    reply(number, {"stopReason": "end_turn"})


@way("sends_5_mib")
def sends_5_mib(agent, number, session, texts):
    chunk(session, "x" * 5 * 1024 * 1024)
    return True


@way("sends_an_endless_line")
def sends_an_endless_line(agent, number, session, texts):
    while True:
        write("x" * 64 * 1024)


@way("ends_bored")
def ends_bored(agent, number, session, texts):
    reply(number, {"stopReason": "bored"})


@way("answers_twice")
def answers_twice(agent, number, session, texts):
    for unknown in (987_654, "nobody's", -1):
        reply(unknown, {"stopReason": "end_turn"})
        refuse(unknown, -32603, "Internal error")
    agent.end(number, session, texts[0])
    reply(number, {"stopReason": "cancelled"})
    refuse(number, -32603, "Internal error")


@way("errs_in_a_word")
def errs_in_a_word(agent, number, session, texts):
    send({"jsonrpc": "2.0", "id": number, "error": "boom"})


@way("asks_for_a_file", "asks_for_a_terminal")
def asks_for_more(agent, number, session, texts):
    def tell(answer):
        agent.end(number, session, json.dumps(answer.get("error", {}).get("code")))

    agent.then = tell
    if agent.way == "asks_for_a_file":
        request("file", "fs/read_text_file", {"sessionId": session, "path": "/etc/passwd"})
    else:
        request("terminal", "terminal/create", {"sessionId": session, "command": "id"})


@way("speaks_after_the_end")
def speaks_after_the_end(agent, number, session, texts):
    agent.end(number, session, texts[0])
    chunk(session, "late")


@way("fails_at_length")
def fails_at_length(agent, number, session, texts):
    refuse(number, -32603, "Internal error", {"details": "the model is\n overloaded " + "x" * 5000})


@way("fails_twice", "fails_always")
def fails(agent, number, session, texts):
    chunk(session, f"attempt {agent.prompts}", "agent_thought_chunk")
    if agent.way == "fails_twice" and agent.prompts > 2:
        return True
    refuse(number, -32603, "Internal error", {"details": "overloaded"})
    return False


@way("fails_after_a_tool", "fails_after_text", "fails_after_a_file", "fails_for_its_key")
def fails_once(agent, number, session, texts):
    if agent.prompts > 1:
        return True
    if agent.way == "fails_after_a_tool":
        update(session, tool("t1", "in_progress"))
    elif agent.way == "fails_after_text":
        chunk(session, "half an ")
    elif agent.way == "fails_after_a_file":
        link = {"type": "resource_link", "uri": "file:///w/a.pdf", "name": "a.pdf"}
        update(session, {"sessionUpdate": "agent_message_chunk", "content": link})
    key = agent.way == "fails_for_its_key"
    refuse(number, -32603, "Internal error", {"details": "Invalid API key" if key else "overloaded"})
    return False


@way("empty_load", "counts_and_refuses")
def refuses_without_a_word(agent, number, session, texts):
    if not agent.loaded:
        return True
    if agent.way == "counts_and_refuses":
        update(session, {"sessionUpdate": "usage_update", "used": 0, "size": 1000})
    reply(number, {"stopReason": "refusal"})
    return False


@way("forgets_in_words", "forgets_in_other_words", "forgets_with_a_code")
def forgets(agent, number, session, texts):
    if not agent.loaded or agent.prompts > 1:
        return True
    if agent.way == "forgets_with_a_code":
        refuse(number, -32002, "Resource not found: " + session)
    else:
        why = "Session not found" if agent.way == "forgets_in_words" else f"No such session: {session}"
        refuse(number, -32603, "Internal error", {"details": why})
    return False


@way("asks", "asks_and_waits", "asks_in_odd_order", "asks_without_reject", "asks_without_options",
     "asks_of_unknown_kind")  # fmt: skip
def asks(agent, number, session, texts):
    kinds = {
        "asks_in_odd_order": ("reject_always", "allow_always", "reject_once", "allow_once"),
        "asks_without_reject": ("allow_always", "allow_once"),
        "asks_without_options": (),
        "asks_of_unknown_kind": ("allow_once", "allow_on_tuesdays"),
    }.get(agent.way, ("allow_once", "reject_once"))

    def tell(answer):
        outcome = answer.get("result", {}).get("outcome", answer)
        if agent.way == "asks_and_waits" and outcome == {"outcome": "cancelled"}:
            chunk(session, "stopping")
            reply(number, {"stopReason": "cancelled"})
        else:
            agent.end(number, session, outcome.get("optionId") or outcome.get("outcome") or "an error")

    options = [{"optionId": kind, "name": kind.replace("_", " "), "kind": kind} for kind in kinds]
    agent.ask(session, tell, options=options)


@way("asks_and_leaves")
def asks_and_leaves(agent, number, session, texts):
    agent.ask(session, lambda _answer: None)


@way("asks_and_ends")
def asks_and_ends(agent, number, session, texts):
    agent.ask(session, lambda _answer: None)
    return True


@way("asks_then_silent")
def asks_then_silent(agent, number, session, texts):
    agent.ask(session, lambda _answer: chunk(session, "hm", "agent_thought_chunk"))


@way("asks_unheard", "offers", "refuses_settings", "logs_in_by_key", "logs_in_by_id")
def tells_what_came(agent, number, session, texts):
    agent.end(number, session, json.dumps(agent.set))


@way("shows_a_tool_only_when_asking")
def shows_a_tool_only_when_asking(agent, number, session, texts):
    def go_on(answer):
        if answer["result"]["outcome"].get("optionId") == "yes":
            update(session, tool("t1", "completed", "tool_call_update"))
        agent.end(number, session, texts[0])

    agent.ask(session, go_on)


@way("leaves_an_orphan")
def leaves_an_orphan(agent, number, session, texts):
    has_a_child(agent, number, session, texts)
    os._exit(1)


@way("has_a_child")
def has_a_child(agent, number, session, texts):
    child = subprocess.Popen(["sleep", "300"], start_new_session=True)
    Path(agent.arguments[0]).write_text(str(child.pid))
    return True


@way("closes_its_output")
def closes_its_output(agent, number, session, texts):
    os.close(1)
    signal.pause()


@way("tells_its_environment")
def tells_its_environment(agent, number, session, texts):
    agent.end(number, session, json.dumps(dict(os.environ)))


@way("tells_its_directory")
def tells_its_directory(agent, number, session, texts):
    agent.end(number, session, str(Path.cwd()))
