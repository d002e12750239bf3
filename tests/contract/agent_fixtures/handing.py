"""What the hostile agent does with files and numbers in a turn, by the name of its way; as in `turns.py`."""

import base64
import json

from turns import way
from wire import reply, send, update

PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n a picture").decode()


def handed(session, block, kind="agent_message_chunk"):
    update(session, {"sessionUpdate": kind, "content": block})


@way("hands_out_files")
def hands_out_files(agent, number, session, texts):
    handed(session, {"type": "image", "data": PICTURE, "mimeType": "image/png"})
    handed(session, {"type": "image", "data": PICTURE, "mimeType": "image/png", "uri": "file:///w/a%20b.png"})
    handed(session, {"type": "audio", "data": PICTURE, "mimeType": "audio/mpeg"})
    blob = {"uri": "file:///w/report.pdf", "blob": PICTURE, "mimeType": "application/pdf"}
    handed(session, {"type": "resource", "resource": blob})
    handed(session, {"type": "resource", "resource": {"uri": "file:///w/n.txt", "text": "a note"}})
    link = {
        "type": "resource_link",
        "uri": "file:///w/plan.md",
        "name": "plan.md",
        "mimeType": "text/markdown",
    }
    handed(session, link)
    return True


@way("hands_out_rubbish")
def hands_out_rubbish(agent, number, session, texts):
    handed(session, {"type": "image", "data": "no base64!", "mimeType": "image/png"})
    handed(session, {"type": "audio", "data": "", "mimeType": "audio/ogg"})
    handed(
        session, {"type": "image", "data": PICTURE, "mimeType": "../../x\nyz", "uri": "file:///w/%2e%2e%0a"}
    )
    handed(session, {"type": "resource_link", "uri": "file:///w/../../etc/passwd", "name": "../../.bashrc"})
    handed(session, {"type": "resource_link", "uri": "file://elsewhere/etc/passwd", "name": "far"})
    handed(session, {"type": "resource_link", "uri": "https://host.example/x", "name": "web"})
    handed(session, {"type": "resource_link", "uri": "file:///w/a%00b", "name": "null"})
    handed(session, {"type": "resource_link", "uri": "file:///" + "x" * 5000, "name": "long"})
    handed(session, {"type": "image", "data": PICTURE, "mimeType": "image/png"}, "agent_thought_chunk")
    content = [{"type": "content", "content": {"type": "image", "data": PICTURE, "mimeType": "image/png"}}]
    call = {"sessionUpdate": "tool_call", "toolCallId": "t1", "title": "draw", "kind": "execute"}
    update(session, {**call, "status": "completed", "content": content})
    return True


@way("hands_out_too_much")
def hands_out_too_much(agent, number, session, texts):
    handed(session, {"type": "image", "data": "A" * 28 * 1024 * 1024, "mimeType": "image/png"})
    return True


@way("takes_files", "takes_no_files")
def tells_its_prompt(agent, number, session, texts):
    told = [{**block, "data": len(block["data"])} if "data" in block else block for block in agent.blocks]
    agent.end(number, session, json.dumps(told))


@way("tells_usage")
def tells_usage(agent, number, session, texts):
    cost = {"amount": 0.25, "currency": "usd"}
    update(session, {"sessionUpdate": "usage_update", "used": 1200, "size": 200_000, "cost": cost})
    update(session, {"sessionUpdate": "usage_update", "used": 1500.0, "size": 200_000})
    usage = {"inputTokens": 40, "outputTokens": 7, "totalTokens": 47, "cachedReadTokens": 3}
    reply(number, {"stopReason": "end_turn", "usage": usage})


@way("tells_absurd_usage")
def tells_absurd_usage(agent, number, session, texts):
    for used, size in ((-1, 10), ("5", "10"), (None, 10), (2**60, 10), (0.5, 10), (True, 10), ([], {})):
        update(
            session, {"sessionUpdate": "usage_update", "used": used, "size": size, "cost": {"amount": "1"}}
        )
    not_a_number = {
        "used": float("nan"),
        "size": float("inf"),
        "cost": {"amount": float("nan"), "currency": "USD"},
    }
    update(session, {"sessionUpdate": "usage_update", **not_a_number})
    for odd in ("7", {"amount": -1, "currency": "USD"}, {"amount": 1, "currency": "a lot"}, {"amount": True}):
        update(session, {"sessionUpdate": "usage_update", "used": 9, "size": -3, "cost": odd})
    update(session, {"sessionUpdate": "usage_update"})
    for odd in (None, "many", [1], {"inputTokens": "4", "outputTokens": 5, "totalTokens": 9}):
        send({"jsonrpc": "2.0", "id": 987_654, "result": {"stopReason": "end_turn", "usage": odd}})
    usage = {"inputTokens": -4, "outputTokens": 5, "totalTokens": 1}
    reply(number, {"stopReason": "end_turn", "usage": usage})
