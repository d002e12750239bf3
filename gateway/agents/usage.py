"""What agents tell of tokens and cost, as far as it can be believed. Pure.

The numbers are an agent's own. One that cannot be one (negative, no whole number, a text, absurdly large) is
as if it had not been told; the library would turn some of these into numbers, and refuse all for one of them.
"""

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from gateway.model.usage import Usage

if TYPE_CHECKING:
    from acp import schema

MOST = 2**53
"""What nothing exceeds: beyond it, JavaScript and JSON disagree about what a number is."""

_CURRENCY = re.compile(r"[A-Z]{3}")


def tidy(message: dict[str, Any]) -> None:
    """Leave no number in a message that the library must not see, where it tells a usage.

    In an update a count that is unknown becomes zero, and so does the size with it.
    """
    if message.get("method") == "session/update":
        update = _fields(_fields(message.get("params")).get("update"))
        if update.get("sessionUpdate") == "usage_update":
            _tidy_update(update)
        return
    result = _fields(message.get("result"))
    if "usage" in result:
        _tidy_result(result)


def reported(update: "schema.UsageUpdate") -> Usage | None:
    """The usage that a tidy update tells, None where it tells none."""
    used, size, cost = update.used, update.size, update.cost
    if not (used or size or cost):
        return None
    return Usage(
        context_used=used if used or size else None,
        context_size=size or None,
        cost=cost.amount if cost else None,
        currency=cost.currency if cost else "",
    )


def spent(usage: "schema.Usage | None") -> Usage | None:
    """The tokens of a turn that a tidy answer tells."""
    return None if usage is None else Usage(usage.input_tokens, usage.output_tokens)


def merged(earlier: Usage | None, later: Usage | None) -> Usage | None:
    """Both, where the later one goes first in what it tells."""
    if earlier is None or later is None:
        return later or earlier
    told = {name: value for name in _COUNTS if (value := getattr(later, name)) is not None}
    if later.cost is not None:
        told |= {"cost": later.cost, "currency": later.currency}
    return replace(earlier, **told)


_COUNTS = ("input_tokens", "output_tokens", "context_used", "context_size")


def _tidy_update(update: dict[str, Any]) -> None:
    used, size = _count(update.get("used")), _count(update.get("size"))
    update["used"], update["size"] = used or 0, (size or 0) if used is not None else 0
    cost = _fields(update.pop("cost", None))
    amount, currency = cost.get("amount"), str(cost.get("currency")).upper()
    if _is_amount(amount) and _CURRENCY.fullmatch(currency):
        update["cost"] = {"amount": amount, "currency": currency}


def _tidy_result(result: dict[str, Any]) -> None:
    usage = _fields(result.pop("usage"))
    taken, given = _count(usage.get("inputTokens")), _count(usage.get("outputTokens"))
    if taken is not None and given is not None:
        result["usage"] = {"inputTokens": taken, "outputTokens": given, "totalTokens": taken + given}


def _count(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= MOST else None


def _is_amount(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return 0 <= value <= MOST and math.isfinite(value)


def _fields(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
