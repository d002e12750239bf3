"""The model that agents are tried with: it remembers nothing itself, and is as strict as a provider."""

import aiohttp
import pytest

from tests.agents.model.anthropic import Messages
from tests.agents.model.book import BadRequestError
from tests.agents.model.chat import ChatCompletions
from tests.agents.model.gemini import GenerateContent
from tests.agents.model.mind import Asked, Message, Say, Tool, decide
from tests.agents.model.responses import Responses
from tests.agents.model.server import KEY, ModelServer

CALLS = {
    Messages: [{"type": "tool_use", "id": "t1", "name": "Bash", "input": {}}],
    ChatCompletions: [{"id": "t1", "type": "function", "function": {"name": "bash", "arguments": "{}"}}],
}


def without_a_result(wire):
    """A conversation in which a call of a tool has no result."""
    match wire():
        case Messages():
            said = [{"role": "assistant", "content": CALLS[wire]}, {"role": "user", "content": "go on"}]
            return {"model": "m", "max_tokens": 9, "messages": said}
        case ChatCompletions():
            said = [{"role": "assistant", "tool_calls": CALLS[wire]}, {"role": "user", "content": "go on"}]
            return {"model": "m", "messages": said}
        case Responses():
            call = {"type": "function_call", "call_id": "t1", "name": "shell", "arguments": "{}"}
            return {"model": "m", "input": [call, {"role": "user", "content": "go on"}]}
        case _:
            call = {"role": "model", "parts": [{"functionCall": {"name": "shell", "args": {}}}]}
            new = {"role": "user", "parts": [{"text": "go on"}]}
            return {"model": "m", "stream": False, "contents": [call, new]}


@pytest.mark.parametrize("wire", [Messages, ChatCompletions, Responses, GenerateContent])
def test_a_call_without_a_result_is_refused(wire):
    with pytest.raises(BadRequestError, match=r"(?i)function|tool"):
        wire().read(without_a_result(wire))


def test_it_knows_only_what_it_is_told():
    def answer(*texts):
        messages = tuple(Message("user", text) for text in (*texts, "what was the codeword?"))
        return decide(Asked("m", False, messages, (Tool("bash", {}),)), {})

    transcript = "<<RESUMED CONVERSATION>>\n[USER]: remember the codeword FIG\n--- End of prior session ---\n"
    assert answer("remember the codeword FIG") == Say("CODEWORD=FIG SOURCE=history")
    assert answer(transcript) == Say("CODEWORD=FIG SOURCE=transcript")
    assert answer("hello") == Say("CODEWORD=unknown")


async def test_a_wrong_key_is_refused():
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
    async with ModelServer() as model, aiohttp.ClientSession(model.url) as session:
        for key, status in ((KEY, 200), ("another", 401)):
            async with session.post("/v1/messages", json=body, headers={"x-api-key": key}) as answer:
                assert answer.status == status
    assert model.book.refused == ["anthropic: invalid key"]
