"""Usage as agents tell it: what can be believed of it, and how two reports become one."""

from typing import Any

import pytest

from gateway.agents.protocol import schema
from gateway.agents.usage import MOST, merged, reported, spent, tidy
from gateway.model.usage import Usage


def told(update: dict[str, Any]) -> Usage | None:
    update = {"sessionUpdate": "usage_update", **update}
    tidy({"method": "session/update", "params": {"update": update}})
    return reported(schema.UsageUpdate.model_validate(update))


def answered(usage: object) -> Usage | None:
    message: dict[str, Any] = {"id": 1, "result": {"stopReason": "end_turn", "usage": usage}}
    tidy(message)
    return spent(schema.PromptResponse.model_validate(message["result"]).usage)


@pytest.mark.parametrize(("update", "usage"), [
    ({"used": 1, "size": 2}, Usage(context_used=1, context_size=2)),
    ({"used": 0, "size": 2}, Usage(context_used=0, context_size=2)),
    ({"used": 3.0, "size": -1}, Usage(context_used=3)),
    ({"used": MOST, "size": MOST + 1}, Usage(context_used=MOST)),
    ({"used": -1, "size": 2}, None),
    ({"used": "1", "size": 2}, None),
    ({"used": True, "size": 2}, None),
    ({"used": float("nan"), "size": float("inf")}, None),
    ({}, None),
    ({"cost": {"amount": 0.5, "currency": "eur"}}, Usage(cost=0.5, currency="EUR")),
    ({"used": 1, "size": 2, "cost": {"amount": 0, "currency": "USD"}}, Usage(None, None, 1, 2, 0, "USD")),
    ({"cost": {"amount": -0.5, "currency": "EUR"}}, None),
    ({"cost": {"amount": "0.5", "currency": "EUR"}}, None),
    ({"cost": {"amount": float("nan"), "currency": "EUR"}}, None),
    ({"cost": {"amount": 1e300, "currency": "EUR"}}, None),
    ({"cost": {"amount": 1, "currency": "\x1b[31m"}}, None),
    ({"cost": {"amount": 1}}, None),
    ({"cost": 7}, None),
])  # fmt: skip
def test_what_an_update_tells(update: dict[str, Any], usage: Usage | None) -> None:
    assert told(update) == usage


@pytest.mark.parametrize(("given", "usage"), [
    ({"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}, Usage(3, 4)),
    ({"inputTokens": 3, "outputTokens": 0}, Usage(3, 0)),
    ({"inputTokens": 3, "outputTokens": 4, "totalTokens": "x", "thoughtTokens": -1}, Usage(3, 4)),
    ({"inputTokens": "3", "outputTokens": 4}, None),
    ({"inputTokens": 3}, None),
    ({"inputTokens": -3, "outputTokens": 4}, None),
    ({"inputTokens": 2**60, "outputTokens": 4}, None),
    ([], None),
    (None, None),
])  # fmt: skip
def test_what_an_answer_tells(given: object, usage: Usage | None) -> None:
    assert answered(given) == usage


@pytest.mark.parametrize("message", [
    {"method": "session/update"},
    {"method": "session/update", "params": []},
    {"method": "session/update", "params": {"update": "usage_update"}},
    {"id": 1, "result": None},
    {"id": 1, "result": ["usage"]},
])  # fmt: skip
def test_other_messages_are_left_alone(message: dict[str, Any]) -> None:
    before = repr(message)
    tidy(message)
    assert repr(message) == before


def test_the_later_report_goes_first_in_what_it_tells() -> None:
    first = Usage(1, 2, 3, 4, 0.5, "USD")
    assert merged(None, first) == merged(first, None) == merged(first, Usage()) == first
    assert merged(first, Usage(output_tokens=0, cost=1, currency="EUR")) == Usage(1, 0, 3, 4, 1, "EUR")
    assert merged(None, None) is None
