"""Gemini's generateContent. The name of the model and whether to stream stand in the address."""

from collections.abc import Iterator
from typing import Any

from tests.agents.model.book import BadRequestError
from tests.agents.model.mind import Asked, JsonObject, Message, Reply, Run, Tool
from tests.agents.model.wire import TOKENS, event, pieces

_USAGE = {"promptTokenCount": TOKENS, "candidatesTokenCount": TOKENS, "totalTokenCount": 2 * TOKENS}


class GenerateContent:
    """`/v1beta/models/NAME:generateContent` and `:streamGenerateContent`."""

    name = "gemini"

    def read(self, body: JsonObject) -> Asked:
        """A turn with calls of tools is followed by one with as many responses."""
        messages: list[Message] = []
        open_calls = 0
        for content in body["contents"]:
            parts = content.get("parts") or ()
            if not parts:
                raise BadRequestError("GenerateContentRequest.contents: contents.parts must not be empty.")
            responses = sum("functionResponse" in part for part in parts)
            if responses != open_calls:
                raise BadRequestError(
                    "Please ensure that the number of function response parts is equal to the number of "
                    "function call parts of the function call turn."
                )
            open_calls = sum("functionCall" in part for part in parts)
            messages += _messages(content.get("role", "user"), parts)
        if open_calls:
            raise BadRequestError("Please ensure that a function call turn is followed by its responses.")
        declared = [
            one for tools in body.get("tools") or () for one in tools.get("functionDeclarations") or ()
        ]
        tools = tuple(
            Tool(one["name"], one.get("parametersJsonSchema") or one.get("parameters") or {})
            for one in declared
        )
        return Asked(body["model"], bool(body["stream"]), tuple(messages), tools)

    def whole(self, asked: Asked, reply: Reply, number: int) -> JsonObject:
        """One candidate."""
        if isinstance(reply, Run):
            return _answer(asked, number, {"functionCall": _call(reply)}, finish=True)
        return _answer(asked, number, {"text": reply.text + reply.rest}, finish=True)

    def stream(self, asked: Asked, reply: Reply, number: int) -> Iterator[str | None]:
        """Candidates that grow; the last one says that it is the last."""
        if isinstance(reply, Run):
            yield event(_answer(asked, number, {"functionCall": _call(reply)}))
        else:
            for piece in pieces(reply):
                yield None if piece is None else event(_answer(asked, number, {"text": piece}))
        yield event(_answer(asked, number, {"text": ""}, finish=True))

    def error(self, status: int, message: str) -> JsonObject:
        """An error object."""
        return {"error": {"code": status, "message": message, "status": "INVALID_ARGUMENT"}}


def _messages(role: str, parts: Any) -> Iterator[Message]:
    for part in parts:
        if "functionResponse" in part:
            yield Message("tool", str(part["functionResponse"].get("response")))
    text = "\n".join(part["text"] for part in parts if part.get("text") and not part.get("thought"))
    if text:
        yield Message("assistant" if role == "model" else "user", text)


def _call(run: Run) -> JsonObject:
    return {"name": run.tool, "args": run.arguments}


def _answer(asked: Asked, number: int, part: JsonObject, *, finish: bool = False) -> JsonObject:
    candidate: JsonObject = {"content": {"role": "model", "parts": [part]}, "index": 0}
    if finish:
        candidate["finishReason"] = "STOP"
    return {
        "candidates": [candidate],
        "usageMetadata": _USAGE,
        "modelVersion": asked.model,
        "responseId": f"r{number}",
    }
