"""Modes and config options, applied to an agent session: agents do not keep them when they load one.

What the config demands has to be taken, or the conversation is not opened: a mode may be what keeps an agent
from doing harm. What a person chose and the agent does not take any more is told, and goes on without.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from gateway.agents.offers import SWITCH
from gateway.agents.outcomes import AgentGoneError, AgentRefusedError
from gateway.agents.process import AgentProcess
from gateway.model.choices import AgentOffer, Choice, Settings
from gateway.rules.choosing import pick

T = TypeVar("T")


class SettingRefusedError(Exception):
    """The agent does not take what its config demands. `message` is for the person in the chat."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Applied:
    """A sentence for each wish of a person that was not taken, and the wishes that are left without them."""

    refused: tuple[str, ...]
    left: Settings


async def apply_settings(process: AgentProcess, agent_session_id: str, wished: Settings) -> Applied:
    """Set mode and options of a new or loaded session.

    Raises `SettingRefusedError`, and `AgentGoneError` when the process is of no use.
    """
    spec, refused = process.spec, list[str]()
    chosen = _in_its_words(wished, process.offer(agent_session_id))
    own, left = dict(chosen.options), wished
    as_wished = {told: pair for (told, _), pair in zip(chosen.options, wished.options, strict=True)}
    for option, value in {**spec.options, **own}.items():
        problem = await set_option(process, agent_session_id, option, value)
        if problem and option not in own:
            raise SettingRefusedError(f"{problem} It is demanded by agents.{spec.name}.options.")
        if problem:
            refused.append(problem)
            left = replace(left, options=tuple(one for one in left.options if one != as_wished[option]))
    for mode, demanded in ((chosen.mode, False), (spec.mode, True)):
        if not mode:
            continue
        problem = await set_mode(process, agent_session_id, mode)
        if not problem:
            break
        if demanded:
            raise SettingRefusedError(f"{problem} It is demanded by agents.{spec.name}.mode.")
        refused.append(problem)
        left = replace(left, mode=None)
    return Applied(tuple(refused), left)


def _in_its_words(chosen: Settings, offer: AgentOffer) -> Settings:
    """A wish that was made before anybody knew what there is, as the agent names it."""
    options: list[tuple[str, str]] = []
    for ident, value in chosen.options:
        known = [one for one in offer.options if one.id == ident]
        for option in known or [one for one in offer.options if one.category == ident]:
            options.append((option.id, _one_of(option.choices, value)))
            break
        else:
            options.append((ident, value))
    return Settings(chosen.mode and _one_of(offer.modes, chosen.mode), tuple(options))


def _one_of(choices: Sequence[Choice], wish: str) -> str:
    found = pick(choices, wish)
    return found[0].id if len(found) == 1 else wish


async def set_mode(process: AgentProcess, agent_session_id: str, mode: str) -> str:
    """Change the mode; empty, or why not in one sentence."""
    try:
        await _answered(process, process.connection.set_mode(agent_session_id, mode))
    except AgentRefusedError as error:
        return f"The agent {process.spec.name} does not take the mode {mode}: {error.said}."
    offer = process.offer(agent_session_id)
    process.keep_offer(agent_session_id, replace(offer, mode=mode))
    return ""


async def set_option(process: AgentProcess, agent_session_id: str, option: str, value: str) -> str:
    """Change a config option; empty, or why not in one sentence."""
    offer = process.offer(agent_session_id)
    known = next((one for one in offer.options if one.id == option), None)
    switch = known is not None and known.choices == SWITCH
    try:
        options = await _answered(
            process, process.connection.set_option(agent_session_id, option, value, switch=switch)
        )
    except AgentRefusedError as error:
        return f"The agent {process.spec.name} does not take {value} as its {option}: {error.said}."
    process.keep_offer(agent_session_id, replace(process.offer(agent_session_id), options=options))
    return ""


async def _answered(process: AgentProcess, request: Awaitable[T]) -> T:
    """An answer in time; an agent that gives none is of no use any more."""
    try:
        async with asyncio.timeout(process.spec.start_timeout):
            return await request
    except TimeoutError:
        raise AgentGoneError("a setting was not answered in time") from None
