"""What an agent lets people choose, translated from its answers and updates. Pure.

Agents tell it when a session is made or loaded, and again whenever it changes: also between turns.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway.agents.outcomes import one_line
from gateway.model.choices import AgentCommand, AgentOffer, Choice, OptionOffer

if TYPE_CHECKING:
    from acp import schema

    Option = schema.SessionConfigOptionSelect | schema.SessionConfigOptionBoolean
    Answer = schema.NewSessionResponse | schema.LoadSessionResponse

MOST = 100
"""Values of one kind that are kept of an agent that offers more."""

_NAME = 80
_DESCRIPTION = 160
ON, OFF = "on", "off"

SWITCH = (Choice(ON, ON), Choice(OFF, OFF))
"""The values of an option that is switched on and off. An agent's own two values have names of their own."""


@dataclass(frozen=True, slots=True)
class ModeChanged:
    """The session is in another mode."""

    mode: str


@dataclass(frozen=True, slots=True)
class OptionsChanged:
    """All config options anew."""

    options: tuple[OptionOffer, ...]


@dataclass(frozen=True, slots=True)
class CommandsChanged:
    """All slash commands anew."""

    commands: tuple[AgentCommand, ...]


OfferChange = ModeChanged | OptionsChanged | CommandsChanged


def changed(offer: AgentOffer, change: OfferChange) -> AgentOffer:
    """What is offered after a change."""
    match change:
        case ModeChanged(mode):
            return replace(offer, mode=mode)
        case OptionsChanged(options):
            return replace(offer, options=options)
        case CommandsChanged(commands):
            return replace(offer, commands=commands)


def offered(answer: "Answer") -> AgentOffer:
    """What a new or loaded session offers, without the commands: these come by updates."""
    modes = answer.modes
    return AgentOffer(
        mode=modes.current_mode_id if modes else "",
        modes=_choices((mode.id, mode.name) for mode in modes.available_modes) if modes else (),
        options=options_of(answer.config_options or ()),
    )


def options_of(options: "Iterable[Option]") -> tuple[OptionOffer, ...]:
    """Config options as offers; one that is switched on and off has these two values."""
    return tuple(_option(option) for option in options)[:MOST]


def commands_of(commands: "Iterable[schema.AvailableCommand]") -> tuple[AgentCommand, ...]:
    """Slash commands without the slash that some agents give them."""
    found = (
        AgentCommand(one_line(command.name.lstrip("/"), _NAME), one_line(command.description, _DESCRIPTION))
        for command in commands
    )
    return tuple(command for command in found if command.name)[:MOST]


def _option(option: "Option") -> OptionOffer:
    category = option.category if isinstance(option.category, str) else ""
    name = one_line(option.name, _NAME)
    if option.type == "boolean":
        current = ON if option.current_value else OFF
        return OptionOffer(option.id, name, category, current, SWITCH)
    values: list[tuple[str, str]] = []
    for entry in option.options:
        # In groups or plain, an agent's choice; to a person they are one list.
        inner = getattr(entry, "options", None)
        values += [(one.value, one.name) for one in (inner if inner is not None else (entry,))]
    return OptionOffer(option.id, name, category, option.current_value, _choices(values))


def _choices(pairs: Iterable[tuple[str, str]]) -> tuple[Choice, ...]:
    return tuple(Choice(ident, one_line(name, _NAME) or ident) for ident, name in pairs)[:MOST]
