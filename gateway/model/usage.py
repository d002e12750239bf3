"""What an agent says that a turn has cost. Every number is the agent's own; None is one it did not tell."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of a turn, how full the agent's context is after it, and the session's cost so far."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    context_used: int | None = None
    context_size: int | None = None
    cost: float | None = None
    currency: str = ""
