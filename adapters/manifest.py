"""What a platform declares about itself, without importing its SDK.

Reading the config needs the account model and nothing else of an adapter, and an SDK may take seconds to
import. So a manifest is a light module that names the heavy one as text.
"""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, Field, SecretStr


class Withheld(SecretStr):
    """Stands for a secret that cannot be had here, for those who read the rest of a config."""

    def __init__(self) -> None:
        super().__init__("")


class Account(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True):
    """One bot identity in the config. Each platform has a model of its own, with `platform` as a literal."""

    platform: str
    rate_limits: Literal["platform", "off"] = Field(
        default="platform",
        description="platform paces sends as the platform's rules ask; off is for servers without such rules",
    )


@dataclass(frozen=True, slots=True)
class Manifest:
    """A platform's config model, its entry point and its limits.

    `connect` is `module:callable`, imported only when an account of the platform is connected. `text_limit`
    is the longest text of one message in UTF-16 code units. `idempotent_send` means that the platform drops a
    second send with the same key; `readable` that a chat can be read back, so that what became of a send can
    be found out; `edits` that a sent message can be changed. `typing_seconds` is how long one typing signal
    is shown.
    """

    platform: str
    account_model: type[Account]
    connect: str
    text_limit: int
    idempotent_send: bool
    readable: bool
    edits: bool
    typing_seconds: float
