"""What people can choose in a conversation, and what they chose: an agent, its mode and its options."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person chose for a conversation: a mode of the agent's, and values of its config options by id.

    None and no entry mean: as the config says, else as the agent does.
    """

    mode: str | None = None
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values: the agent's id for it and what to call it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class OptionOffer:
    """A config option of an agent's, such as its model. `category` is the protocol's word, often empty."""

    id: str
    name: str
    category: str
    current: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class AgentCommand:
    """A slash command that an agent understands."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class AgentOffer:
    """What an agent lets people choose in a conversation. `mode` is the current one, empty without any."""

    mode: str = ""
    modes: tuple[Choice, ...] = ()
    options: tuple[OptionOffer, ...] = ()
    commands: tuple[AgentCommand, ...] = ()


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a person chose for a conversation: an agent by its configured name, and that agent's settings.

    An agent of None is the configured default. Settings belong to one agent: another agent begins without.
    """

    agent: str | None = None
    settings: Settings = field(default_factory=Settings)
