"""What the hostile agent writes, as JSON-RPC."""

import json
import sys


def write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def send(message: object) -> None:
    write(json.dumps(message) + "\n")


def request(number: int | str, method: str, params: object) -> None:
    send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})


def reply(number: int | str, result: object) -> None:
    send({"jsonrpc": "2.0", "id": number, "result": result})


def refuse(number: int, code: int, message: str, data: object = None) -> None:
    send({"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message, "data": data}})


def update(session: str, change: object) -> None:
    params = {"sessionId": session, "update": change}
    send({"jsonrpc": "2.0", "method": "session/update", "params": params})


def chunk(session: str, text: str, kind: str = "agent_message_chunk") -> None:
    update(session, said(kind, text))


def said(kind: str, text: str, message_id: str | None = None) -> dict:
    change = {"sessionUpdate": kind, "content": {"type": "text", "text": text}}
    return change if message_id is None else {**change, "messageId": message_id}


def tool(ident: str, status: str, kind: str = "tool_call", title: str = "dig") -> dict:
    return {"sessionUpdate": kind, "toolCallId": ident, "title": title, "kind": "execute", "status": status}
