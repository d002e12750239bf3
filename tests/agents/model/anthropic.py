"""Anthropic's Messages."""

import json
from collections.abc import Iterator
from typing import Any

from tests.agents.model.book import BadRequestError
from tests.agents.model.mind import Asked, JsonObject, Message, Reply, Run, Say, Tool
from tests.agents.model.wire import TOKENS, event, pieces, texts


class Messages:
    """`/v1/messages`."""

    name = "anthropic"

    def read(self, body: JsonObject) -> Asked:
        """Every call of a tool must be answered in the message that follows it."""
        if not isinstance(body.get("max_tokens"), int):
            raise BadRequestError("max_tokens: Field required")
        messages: list[Message] = []
        open_calls: set[str] = set()
        said = [one for one in body["messages"] if one["role"] != "system"]  # newer models take such
        for at, message in enumerate(said):
            blocks = _blocks(message["content"])
            results = {one["tool_use_id"] for one in blocks if one["type"] == "tool_result"}
            if open_calls - results:
                raise BadRequestError(
                    f"messages.{at}: `tool_use` ids were found without `tool_result` blocks immediately "
                    f"after: {', '.join(sorted(open_calls - results))}"
                )
            if results - open_calls:
                raise BadRequestError(
                    f"messages.{at}: unexpected `tool_use_id` found in `tool_result` blocks"
                )
            if any(one["type"] == "text" and not one["text"] for one in blocks):
                raise BadRequestError(f"messages.{at}: text content blocks must be non-empty")
            calls = [one["id"] for one in blocks if one["type"] == "tool_use"]
            if len(set(calls)) < len(calls):
                raise BadRequestError(f"messages.{at}: `tool_use` ids must be unique")
            open_calls = set(calls)
            messages += _messages(message["role"], blocks)
        if open_calls:
            raise BadRequestError("`tool_use` ids were found without `tool_result` blocks after them")
        tools = tuple(
            Tool(one["name"], one["input_schema"]) for one in body.get("tools", ()) if "input_schema" in one
        )
        return Asked(body["model"], bool(body.get("stream")), tuple(messages), tools)

    def whole(self, asked: Asked, reply: Reply, number: int) -> JsonObject:
        """A message."""
        stop = "tool_use" if isinstance(reply, Run) else "end_turn"
        return {**_shell(asked, number), "content": [_block(reply, number)], "stop_reason": stop}

    def stream(self, asked: Asked, reply: Reply, number: int) -> Iterator[str | None]:
        """One content block."""
        yield _event("message_start", message=_shell(asked, number))
        bare: JsonObject = {"text": ""} if isinstance(reply, Say) else {"input": {}}
        empty = _block(reply, number) | bare
        yield _event("content_block_start", index=0, content_block=empty)
        for piece in _deltas(reply):
            yield None if piece is None else _event("content_block_delta", index=0, delta=piece)
        yield _event("content_block_stop", index=0)
        stop = "tool_use" if isinstance(reply, Run) else "end_turn"
        ending = {"stop_reason": stop, "stop_sequence": None}
        yield _event("message_delta", delta=ending, usage={"output_tokens": TOKENS})
        yield _event("message_stop")

    def error(self, status: int, message: str) -> JsonObject:
        """An error object."""
        kind = "authentication_error" if status == 401 else "invalid_request_error"
        return {"type": "error", "error": {"type": kind, "message": message}}


def _blocks(content: Any) -> list[JsonObject]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _messages(role: Any, blocks: list[JsonObject]) -> Iterator[Message]:
    if role not in ("user", "assistant"):
        raise BadRequestError(f"messages: unexpected role {role}")
    for one in blocks:
        if one["type"] == "tool_result":
            yield Message("tool", texts(one.get("content"), "text"))
    text = texts(blocks, "text")
    if text or role == "assistant":
        yield Message(role, text)


def _shell(asked: Asked, number: int) -> JsonObject:
    return {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": TOKENS, "output_tokens": TOKENS},
    }


def _block(reply: Reply, number: int) -> JsonObject:
    if isinstance(reply, Say):
        return {"type": "text", "text": reply.text + reply.rest}
    return {"type": "tool_use", "id": f"toolu_{number}", "name": reply.tool, "input": reply.arguments}


def _deltas(reply: Reply) -> Iterator[JsonObject | None]:
    if isinstance(reply, Run):
        yield {"type": "input_json_delta", "partial_json": json.dumps(reply.arguments)}
        return
    for piece in pieces(reply):
        yield None if piece is None else {"type": "text_delta", "text": piece}


def _event(name: str, **fields: object) -> str:
    return event({"type": name, **fields}, name)
