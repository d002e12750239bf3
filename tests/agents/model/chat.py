"""OpenAI's Chat Completions."""

import json
from collections.abc import Iterator
from typing import Any

from tests.agents.model.book import BadRequestError
from tests.agents.model.mind import Asked, JsonObject, Message, Reply, Run, Tool
from tests.agents.model.wire import TOKENS, event, pieces, texts

_USAGE = {"prompt_tokens": TOKENS, "completion_tokens": TOKENS, "total_tokens": 2 * TOKENS}


class ChatCompletions:
    """`/v1/chat/completions`."""

    name = "chat"

    def read(self, body: JsonObject) -> Asked:
        """Every call of a tool must be answered before anything else is said."""
        messages: list[Message] = []
        open_calls: set[str] = set()
        for message in body["messages"]:
            role = message["role"]
            if role == "tool":
                if message["tool_call_id"] not in open_calls:
                    raise BadRequestError("messages with role 'tool' must follow a message with 'tool_calls'")
                open_calls.discard(message["tool_call_id"])
            elif open_calls:
                raise BadRequestError(
                    "An assistant message with 'tool_calls' must be followed by tool messages responding to "
                    f"each 'tool_call_id'. Without response: {', '.join(sorted(open_calls))}"
                )
            open_calls |= {call["id"] for call in message.get("tool_calls") or ()}
            if role in ("user", "assistant", "tool"):
                messages.append(Message(role, texts(message.get("content"), "text")))
            elif role not in ("system", "developer"):
                raise BadRequestError(f"unexpected role {role}")
        if open_calls:
            raise BadRequestError("An assistant message with 'tool_calls' must be followed by tool messages")
        tools = tuple(
            Tool(one["function"]["name"], one["function"].get("parameters", {}))
            for one in body.get("tools") or ()
        )
        return Asked(body["model"], bool(body.get("stream")), tuple(messages), tools)

    def whole(self, asked: Asked, reply: Reply, number: int) -> JsonObject:
        """A completion."""
        if isinstance(reply, Run):
            message: JsonObject = {"role": "assistant", "content": None, "tool_calls": [_call(reply, number)]}
        else:
            message = {"role": "assistant", "content": reply.text + reply.rest}
        choice = {"index": 0, "message": message, "finish_reason": _finish(reply)}
        return {**_shell(asked, number), "object": "chat.completion", "choices": [choice], "usage": _USAGE}

    def stream(self, asked: Asked, reply: Reply, number: int) -> Iterator[str | None]:
        """Chunks, the last of which has the usage."""
        shell = {**_shell(asked, number), "object": "chat.completion.chunk"}

        def chunk(delta: JsonObject, finish: str | None = None) -> str:
            return event({**shell, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

        yield chunk({"role": "assistant", "content": ""})
        if isinstance(reply, Run):
            yield chunk({"tool_calls": [{"index": 0, **_call(reply, number)}]})
        else:
            for piece in pieces(reply):
                yield None if piece is None else chunk({"content": piece})
        yield chunk({}, _finish(reply))
        yield event({**shell, "choices": [], "usage": _USAGE})
        yield event("[DONE]")

    def error(self, status: int, message: str) -> JsonObject:
        """An error object."""
        return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": status}}


def _finish(reply: Reply) -> str:
    return "tool_calls" if isinstance(reply, Run) else "stop"


def _shell(asked: Asked, number: int) -> JsonObject:
    return {"id": f"chatcmpl-{number}", "created": 1, "model": asked.model}


def _call(run: Run, number: int) -> dict[str, Any]:
    function = {"name": run.tool, "arguments": json.dumps(run.arguments)}
    return {"id": f"call_{number}", "type": "function", "function": function}
