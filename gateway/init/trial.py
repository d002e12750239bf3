"""Are the tokens of an account good? First by their form, then by asking the platform."""

import asyncio
from collections.abc import Iterator, Mapping

from pydantic import ValidationError

from adapters.manifest import Account
from adapters.probing import Examined, prober
from adapters.registry import manifest
from gateway.model.finding import problem

TRIAL_SECONDS = 10.0


class MalformedError(Exception):
    """A value is none that the config takes. `key` is its key, the message what is allowed."""

    def __init__(self, key: str, what: str) -> None:
        super().__init__(what)
        self.key = key


def formed(platform: str, secrets: Mapping[str, str], api_url: str | None) -> Account:
    """The account as the config would have it. Raises `MalformedError` for the first thing that is wrong."""
    try:
        return manifest(platform).account_model.model_validate(
            {"platform": platform, **secrets, "api_url": api_url}
        )
    except ValidationError as error:
        key, what = next(_faults(error))
        raise MalformedError(key, what) from None


def fault(platform: str, key: str, value: str) -> str:
    """What is wrong with the form of one secret, empty if nothing is."""
    try:
        manifest(platform).account_model.model_validate({"platform": platform, key: value})
    except ValidationError as error:
        return next((what for at, what in _faults(error) if at == key), "")
    return ""


def _faults(error: ValidationError) -> Iterator[tuple[str, str]]:
    for one in error.errors(include_url=False, include_input=False):
        yield str(one["loc"][0]) if one["loc"] else "", one["msg"].removeprefix("Value error, ")


def tried(platform: str, account: Account) -> Examined:
    """What the platform says of it."""

    async def examine() -> Examined:
        async with asyncio.timeout(TRIAL_SECONDS):
            return await prober(platform)(platform, account, "mention")

    try:
        return asyncio.run(examine())
    except TimeoutError:
        late = problem(platform, f"there was no answer within {TRIAL_SECONDS:g} s")
        return Examined("", (late,), unheard=True)
