"""OpenAI's Responses."""

import json
from collections.abc import Iterator
from typing import Any

from tests.agents.model.book import BadRequestError
from tests.agents.model.mind import Asked, JsonObject, Message, Reply, Run, Say, Tool
from tests.agents.model.wire import TOKENS, event, pieces, texts


class Responses:
    """`/v1/responses`."""

    name = "responses"

    def read(self, body: JsonObject) -> Asked:
        """Every call of a tool must have its output, and every output its call."""
        given = body["input"]
        items: list[Any] = [{"role": "user", "content": given}] if isinstance(given, str) else given
        calls = {one["call_id"] for one in items if one.get("type") == "function_call"}
        outputs = {one["call_id"] for one in items if one.get("type") == "function_call_output"}
        for call in calls - outputs:
            raise BadRequestError(f"No tool output found for function call {call}.")
        for call in outputs - calls:
            raise BadRequestError(f"No tool call found for function call output with call_id {call}.")
        messages = tuple(message for item in items for message in _messages(item))
        tools = tuple(
            Tool(one["name"], one.get("parameters", {}))
            for one in body.get("tools") or ()
            if one["type"] == "function"
        )
        return Asked(body["model"], bool(body.get("stream")), messages, tools)

    def whole(self, asked: Asked, reply: Reply, number: int) -> JsonObject:
        """A response."""
        return _shell(asked, number, "completed", [_item(reply, number, "completed")])

    def stream(self, asked: Asked, reply: Reply, number: int) -> Iterator[str | None]:
        """One output item."""
        order = iter(range(10_000))

        def send(kind: str, **fields: object) -> str:
            return event({"type": kind, "sequence_number": next(order), **fields}, kind)

        yield send("response.created", response=_shell(asked, number, "in_progress", []))
        yield send("response.in_progress", response=_shell(asked, number, "in_progress", []))
        bare: JsonObject = {"content": []} if isinstance(reply, Say) else {"arguments": ""}
        begun = _item(reply, number, "in_progress") | bare
        yield send("response.output_item.added", output_index=0, item=begun)
        place: JsonObject = {"output_index": 0, "item_id": begun["id"]}
        if isinstance(reply, Run):
            arguments = json.dumps(reply.arguments)
            yield send("response.function_call_arguments.delta", **place, delta=arguments)
            yield send("response.function_call_arguments.done", **place, arguments=arguments)
        else:
            place["content_index"] = 0
            yield send("response.content_part.added", **place, part=_part(""))
            for piece in pieces(reply):
                yield None if piece is None else send("response.output_text.delta", **place, delta=piece)
            said = reply.text + reply.rest
            yield send("response.output_text.done", **place, text=said)
            yield send("response.content_part.done", **place, part=_part(said))
        yield send("response.output_item.done", output_index=0, item=_item(reply, number, "completed"))
        yield send("response.completed", response=self.whole(asked, reply, number))

    def error(self, status: int, message: str) -> JsonObject:
        """An error object."""
        return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": status}}


def _messages(item: JsonObject) -> Iterator[Message]:
    kind = item.get("type", "message")
    if kind == "function_call_output":
        output = item["output"]
        yield Message("tool", output if isinstance(output, str) else json.dumps(output))
    elif kind == "message" and item["role"] in ("user", "assistant"):
        yield Message(item["role"], texts(item["content"], "input_text", "output_text"))


def _shell(asked: Asked, number: int, status: str, output: list[JsonObject]) -> JsonObject:
    done = status == "completed"
    usage = {
        "input_tokens": TOKENS,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": TOKENS,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 2 * TOKENS,
    }
    return {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": 1,
        "status": status,
        "model": asked.model,
        "output": output,
        "usage": usage if done else None,
    }


def _part(text: str) -> JsonObject:
    return {"type": "output_text", "text": text, "annotations": []}


def _item(reply: Reply, number: int, status: str) -> JsonObject:
    if isinstance(reply, Say):
        return {
            "id": f"msg_{number}",
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": [_part(reply.text + reply.rest)],
        }
    return {
        "id": f"fc_{number}",
        "type": "function_call",
        "status": status,
        "call_id": f"call_{number}",
        "name": reply.tool,
        "arguments": json.dumps(reply.arguments),
    }
