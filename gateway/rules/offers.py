"""The buttons that are offered, the data by which they are known again, and the words of permissions.

What an agent says in a question is shown as it is, but on one line, without characters that hide or turn
round what follows, and no longer than people read before they press.
"""

from gateway.model.delivery import Button
from gateway.model.message import Origin
from gateway.model.permission import ApprovalState, OptionKind, PermissionRequest
from gateway.model.session import Session
from gateway.rules.words import cut, one_line, printable

CONTINUE, DISMISS, REPEAT, MAY = "go", "no", "again", "may"

TITLE_LENGTH = 200
TEXT_LENGTH = 1500
LABEL_LENGTH = 40
NAME_LENGTH = 60
MOST_OPTIONS = 20
"""Options that are offered. Platforms take 25 buttons; no agent is known that offers more than five."""

_DOINGS = {
    "read": "read a file",
    "edit": "change files",
    "delete": "delete something",
    "move": "move something",
    "search": "search",
    "execute": "run a command",
    "fetch": "fetch something from a network",
    "switch_mode": "change how it works",
}
_LABELS = {
    OptionKind.ALLOW_ONCE: "Allow",
    OptionKind.ALLOW_ALWAYS: "Always allow",
    OptionKind.REJECT_ONCE: "Refuse",
    OptionKind.REJECT_ALWAYS: "Always refuse",
}


def resume_buttons(session: Session) -> tuple[Button, ...]:
    """Continue and Dismiss, for the turn that a session is marked for."""
    about = f"{session.id}:{session.resume_turn_id}"
    return (Button("Continue", f"{CONTINUE}:{about}"), Button("Dismiss", f"{DISMISS}:{about}"))


def repeat_button(delivery_id: int) -> tuple[Button, ...]:
    """Send a held reply after all."""
    return (Button("Send it again", f"{REPEAT}:{delivery_id}"),)


def question_buttons(approval_id: int, request: PermissionRequest) -> tuple[Button, ...]:
    """A button for each option that the agent offers, in its words."""
    return tuple(
        Button(one_line(option.name, LABEL_LENGTH) or _LABELS[option.kind], f"{MAY}:{approval_id}:{index}")
        for index, option in enumerate(request.options[:MOST_OPTIONS])
    )


def question_text(agent: str, request: PermissionRequest) -> str:
    """What an agent asks: what sort of step, its title, and what the agent says about it."""
    title = one_line(request.tool.title, TITLE_LENGTH)
    head = f"{agent or 'The agent'} asks for permission to {_doing(request)}{': ' + title if title else '.'}"
    lines = (printable(line).rstrip() for line in request.tool.text.splitlines())
    text = cut("\n".join(lines).strip("\n"), TEXT_LENGTH)
    return f"{head}\n\n{text}" if text else head


def wish_text(request: PermissionRequest) -> str:
    """What an agent wants to do, as a part of one line."""
    title = one_line(request.tool.title, TITLE_LENGTH)
    return f"{_doing(request)}: {title}" if title else _doing(request)


def settled_text(
    request: PermissionRequest, state: ApprovalState, by: Origin | None, *, lasts: bool = False
) -> str:
    """What the question's message reads when it is over. `lasts`: it was decided for later steps, too."""
    what = one_line(request.tool.title, TITLE_LENGTH) or _doing(request)
    match state:
        case ApprovalState.ALLOWED | ApprovalState.REFUSED:
            done = "allowed" if state is ApprovalState.ALLOWED else "refused"
            name = one_line(by.author_name, NAME_LENGTH) or by.author_id if by else ""
            said = f"always {done}" if lasts else done
            return f"{said.capitalize()}{' by ' + name if name else ''}: {what}"
        case ApprovalState.EXPIRED:
            return f"Not answered in time, so it was refused: {what}"
        case ApprovalState.VOID | ApprovalState.PENDING:
            return f"No longer open: {what}"


def restarted_text(request: PermissionRequest) -> str:
    """What the message of a question reads that was open when the gateway went down."""
    what = one_line(request.tool.title, TITLE_LENGTH) or _doing(request)
    return f"The gateway was restarted, so this question is void: {what}"


def _doing(request: PermissionRequest) -> str:
    return _DOINGS.get(request.tool.tool_kind, "use a tool")
