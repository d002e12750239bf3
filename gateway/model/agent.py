"""What an agent says while it works, and how a prompt to it can end."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from gateway.model.attachment import PromptFile
from gateway.model.choices import Settings
from gateway.model.session import ResumeMode
from gateway.model.turn import HistoryTurn, StepStatus
from gateway.model.usage import Usage


@dataclass(frozen=True, slots=True)
class TextChunk:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ThoughtChunk:
    """A piece of the agent's thinking; not part of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolUpdate:
    """A tool call began or changed. An empty string or None means: as it was."""

    tool_call_id: str
    title: str = ""
    tool_kind: str = ""
    status: StepStatus | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class FileChunk:
    """A file within the answer: bytes, or where it lies. `path` is the agent's word, not to be trusted."""

    name: str
    mime: str
    data: bytes = b""
    path: str = ""


@dataclass(frozen=True, slots=True)
class UsageReport:
    """How much the session has used so far."""

    usage: Usage


AgentUpdate = TextChunk | ThoughtChunk | ToolUpdate | FileChunk | UsageReport

UpdateSink = Callable[[AgentUpdate], None]
"""Called in the order in which the agent spoke. It must not wait: waiting reorders updates."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The agent finished its turn. `stop_reason` is the protocol's word, `end_turn` when all is well."""

    stop_reason: str
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class CancelledPrompt:
    """The agent confirmed that it stopped because it was asked to, or was made to."""


@dataclass(frozen=True, slots=True)
class AgentFailed:
    """The prompt failed. `lost` says that the process is gone or no longer trusted.

    `message` is one plain sentence for the person in the chat; `detail` is for the log. `forgotten` says that
    the agent does not know the conversation any more and did nothing: the same prompt can be given again to
    one that was opened anew.
    """

    message: str
    detail: str
    lost: bool
    forgotten: bool = False


PromptEnd = Ended | CancelledPrompt | AgentFailed


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """Which conversation an agent should hold, and what is known of it.

    `history` reads the finished and interrupted turns from the ledger, oldest first; it is called only when
    a transcript is needed. `ended_turns` tells how many turns the agent should be able to replay. `settings`
    are applied after each new and load, because agents do not keep them.
    """

    session_id: int
    agent: str
    agent_session_id: str | None
    cwd: str | None
    ended_turns: int
    history: Callable[[], Awaitable[tuple[HistoryTurn, ...]]]
    settings: Settings = field(default_factory=Settings)


@dataclass(frozen=True, slots=True)
class Opened:
    """An agent holds the conversation.

    `preamble` is a transcript that has to precede the next prompt, empty unless the mode is `bootstrap`.
    `last_replayed` is the last thing the agent's own history has the user saying, where it replayed one.
    `refused` are settings that the agent did not take, each as one plain sentence, and `wishes` those that a
    person chose without them.
    """

    mode: ResumeMode
    reason: str
    agent_session_id: str
    cwd: str
    preamble: str = ""
    last_replayed: str | None = None
    refused: tuple[str, ...] = ()
    wishes: Settings | None = None


@dataclass(frozen=True, slots=True)
class OpenFailed:
    """No agent could be made to hold the conversation. The fields mean what they mean in `AgentFailed`."""

    message: str
    detail: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the agent is given, as separate blocks in this order; empty ones are left out.

    `text` names each file by its path; the files themselves are given as content where the agent takes such.
    """

    preamble: str
    note: str
    text: str
    files: tuple[PromptFile, ...] = ()
