"""What all sections of the config file have in common."""

from pydantic import BaseModel


class Section(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True):
    """What all sections share: frozen, closed to unknown keys, and errors without values."""
