"""Every key of the config either counts at once or says that it needs a restart, and what counts is seen."""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from gateway.config.models import Config
from gateway.reloading.keys import LIVE, RESTART, is_live
from tests.helpers.live_keys import EFFECTS


def keys(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Every key below which there are no further ones, with `*` for names; accounts as a whole."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys(field.annotation, f"{above}{name}.")
        elif name in ("accounts", "agents"):
            yield f"{name}.*"
            inner = get_args(field.annotation)[1]
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from keys(inner, f"{name}.*.")
        else:
            yield above + name


def test_every_key_is_in_one_of_the_lists() -> None:
    assert set(keys(Config)) == LIVE | RESTART
    assert not LIVE & RESTART


def test_a_key_that_nobody_thought_of_needs_a_restart() -> None:
    assert not is_live(("weather",))
    assert not is_live(("limits", "weather"))
    assert not is_live(("accounts", "telegram", "token"))
    assert is_live(("agents", "demo", "env", "HOME"))
    assert is_live(("agents", "demo"))


def test_the_effect_of_every_live_key_is_looked_at() -> None:
    assert EFFECTS.keys() == LIVE


@pytest.mark.parametrize("key", sorted(EFFECTS))
async def test_a_live_key_counts_at_once(key: str, tmp_path: Path) -> None:
    effect = EFFECTS[key]
    async with effect.scene(tmp_path) as it:
        await effect.seen(it)
        status = it.gateway.operations.status().config
        assert status is not None
        assert (status.needs_restart, status.problems) == ((), ())
