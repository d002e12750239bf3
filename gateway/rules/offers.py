"""The buttons that are offered, and the data by which they are known again."""

from gateway.model.delivery import Button
from gateway.model.session import Session

CONTINUE, DISMISS, REPEAT = "go", "no", "again"


def resume_buttons(session: Session) -> tuple[Button, ...]:
    """Continue and Dismiss, for the turn that a session is marked for."""
    about = f"{session.id}:{session.resume_turn_id}"
    return (Button("Continue", f"{CONTINUE}:{about}"), Button("Dismiss", f"{DISMISS}:{about}"))


def repeat_button(delivery_id: int) -> tuple[Button, ...]:
    """Send a held reply after all."""
    return (Button("Send it again", f"{REPEAT}:{delivery_id}"),)
