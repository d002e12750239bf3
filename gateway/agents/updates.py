"""What an agent says, translated into the gateway's values. Pure; the protocol's objects end here.

Told apart by their discriminators, so that reading this module does not import the SDK.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.agents.handouts import block_text, handed_out
from gateway.agents.offers import (
    CommandsChanged,
    ModeChanged,
    OfferChange,
    OptionsChanged,
    commands_of,
    options_of,
)
from gateway.agents.usage import reported
from gateway.model.agent import AgentUpdate, ThoughtChunk, ToolUpdate, UsageReport
from gateway.model.permission import OptionKind, PermissionOption, PermissionRequest
from gateway.model.turn import StepStatus

if TYPE_CHECKING:
    from acp import schema

    from gateway.agents.handouts import ContentBlock

    ToolContent = (
        schema.ContentToolCallContent | schema.FileEditToolCallContent | schema.TerminalToolCallContent
    )
    SessionUpdate = (
        schema.UserMessageChunk
        | schema.AgentMessageChunk
        | schema.AgentThoughtChunk
        | schema.ToolCallStart
        | schema.ToolCallProgress
        | schema.AgentPlanUpdate
        | schema.AgentPlanContentUpdate
        | schema.AgentPlanRemovedUpdate
        | schema.AvailableCommandsUpdate
        | schema.CurrentModeUpdate
        | schema.ConfigOptionUpdate
        | schema.SessionInfoUpdate
        | schema.UsageUpdate
    )

TOOL_TEXT_LIMIT = 4000
"""Characters of a tool's output that are kept. The agent has the rest."""


@dataclass(frozen=True, slots=True)
class UserSaid:
    """A piece of what the user said, as an agent replays it. `message_id` is empty where it gives none.

    The text of a file is empty.
    """

    text: str
    message_id: str


Heard = AgentUpdate | UserSaid | OfferChange

_STATUS = {
    "pending": StepStatus.RUNNING,
    "in_progress": StepStatus.RUNNING,
    "completed": StepStatus.COMPLETED,
    "failed": StepStatus.FAILED,
}


def translate(update: "SessionUpdate") -> Heard | None:
    """The value for an update, None for one that says nothing that is kept (plans, titles, …)."""
    match update.session_update:
        case "agent_message_chunk":
            return handed_out(update.content)
        case "agent_thought_chunk":
            text = block_text(update.content)
            return ThoughtChunk(text) if text else None
        case "user_message_chunk":
            return UserSaid(_words(update.content), update.message_id or "")
        case "tool_call":
            return tool_update(update, begins=True)
        case "tool_call_update":
            return tool_update(update, begins=False)
        case "current_mode_update":
            return ModeChanged(update.current_mode_id)
        case "config_option_update":
            return OptionsChanged(options_of(update.config_options))
        case "available_commands_update":
            return CommandsChanged(commands_of(update.available_commands))
        case "usage_update":
            usage = reported(update)
            return UsageReport(usage) if usage else None
        case _:
            return None


def tool_update(
    call: "schema.ToolCallStart | schema.ToolCallProgress | schema.ToolCallUpdate", *, begins: bool
) -> ToolUpdate:
    """A tool call as it began or changed. One that begins without a status is running."""
    status = _STATUS[call.status] if call.status else (StepStatus.RUNNING if begins else None)
    text = _tool_text(call.content or ())
    if not text and isinstance(call.raw_output, str):
        text = call.raw_output[:TOOL_TEXT_LIMIT]
    return ToolUpdate(call.tool_call_id, call.title or "", call.kind or "", status, text)


def permission_request(
    call: "schema.ToolCallUpdate", options: "Sequence[schema.PermissionOption]"
) -> PermissionRequest:
    """A question. Some agents show a tool call that needs permission nowhere but here."""
    offered = tuple(PermissionOption(one.option_id, one.name, OptionKind(one.kind)) for one in options)
    return PermissionRequest(tool_update(call, begins=True), offered)


def _words(block: "ContentBlock") -> str:
    """What the user said, as it is compared with the ledger: the files that came with it are no words."""
    return block.text if block.type == "text" else ""


def _tool_text(content: "Sequence[ToolContent]") -> str:
    parts: list[str] = []
    for item in content:
        match item.type:
            case "content":
                parts.append(block_text(item.content))
            case "diff":
                parts.append(f"changed {item.path}")
            case "terminal":
                pass
    return "\n".join(parts)[:TOOL_TEXT_LIMIT]
