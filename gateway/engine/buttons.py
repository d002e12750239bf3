"""What pressed buttons do. Their data names what they are about; who pressed was let in like any author.

A button stays in the chat for ever, so each press is judged by what is open now.
"""

from dataclasses import dataclass

from gateway.engine.access import Access
from gateway.engine.approvals import Approvals
from gateway.engine.lanes import Lanes
from gateway.engine.outbox import Outbox
from gateway.engine.persist import until_written
from gateway.engine.streams import STOPPED, Streams
from gateway.model.intake import Accepted
from gateway.model.session import Session
from gateway.ports import Clock, Store
from gateway.rules.offers import CONTINUE, DISMISS, MAY, REPEAT
from gateway.rules.pairing import PAIR

TOO_LATE = "This is no longer open."
_LONGEST_NUMBER = 18
"""Digits of an id. Who writes his own client can send any data, and what is longer fits in no database."""


@dataclass(frozen=True, slots=True)
class ButtonParts:
    """What buttons act on. `access` is asked at each press."""

    store: Store
    lanes: Lanes
    outbox: Outbox
    streams: Streams
    clock: Clock
    approvals: Approvals
    access: Access


class Buttons:
    """Acts on button presses and says what came of it."""

    def __init__(self, parts: ButtonParts) -> None:
        self._parts = parts

    async def press(self, accepted: Accepted) -> str:
        """Do what a button says; the answer for the chat."""
        action, _, about = accepted.text.partition(":")
        if not await self._may_press(accepted):
            return ""  # cut off since it was pressed
        if action == PAIR:
            return await self._pair(accepted, about)
        numbers = [int(part) for part in about.split(":") if _is_number(part)]
        if action in (CONTINUE, DISMISS) and len(numbers) == 2:
            return await self._resume(action, accepted, *numbers)
        if action == REPEAT and len(numbers) == 1:
            return await self._repeat(accepted, numbers[0])
        if action == MAY and len(numbers) == 2:
            return await self._decide(accepted, *numbers)
        return TOO_LATE

    async def _resume(self, action: str, accepted: Accepted, session_id: int, turn_id: int) -> str:
        parts = self._parts
        session = await self._here(accepted, session_id)
        if session is None or session.resume_turn_id != turn_id or parts.lanes.busy(session_id):
            return TOO_LATE
        now = parts.clock.now()
        if action == DISMISS:
            dismissed = await until_written(
                parts.clock, lambda: parts.store.dismiss(session_id, turn_id, now)
            )
            if not dismissed:
                return TOO_LATE
            await parts.streams.close_session(session_id, STOPPED)
            return "Dismissed."
        event_id = f"resume:button:{accepted.message_id}"
        await until_written(parts.clock, lambda: parts.store.reactivate(session_id, event_id, now))
        parts.lanes.wake(session_id)
        return "Going on."

    async def _repeat(self, accepted: Accepted, delivery_id: int) -> str:
        parts = self._parts
        pressed_in = await parts.store.session(accepted.session_id)
        held = await parts.store.delivery(delivery_id)
        if pressed_in is None or held is None:
            return TOO_LATE
        place, there = held.route, pressed_in.address
        if (place.account, place.chat) != (there.account, there.chat):
            return TOO_LATE
        delivery = await until_written(parts.clock, lambda: parts.store.revive(delivery_id))
        if delivery is None:
            return TOO_LATE
        parts.outbox.push((delivery,))
        return ""

    async def _decide(self, accepted: Accepted, approval_id: int, option: int) -> str:
        """Answer an agent's question. The message that asked it says by whom, so there is no more to say."""
        parts = self._parts
        approval = await parts.store.approval(approval_id)
        if approval is None or await self._here(accepted, approval.session_id) is None:
            return TOO_LATE
        by = await parts.store.origin(accepted.message_id)
        return "" if await parts.approvals.decide(approval_id, option, by) else TOO_LATE

    async def _may_press(self, accepted: Accepted) -> bool:
        parts = self._parts
        session = await parts.store.session(accepted.session_id)
        if session is None:
            return True
        by = await parts.store.origin(accepted.message_id)
        return parts.access.permits(session.address.account, by.author_id)

    async def _pair(self, accepted: Accepted, about: str) -> str:
        """Let a stranger in, or not."""
        parts = self._parts
        session = await parts.store.session(accepted.session_id)
        if session is None:
            return TOO_LATE
        account, by = session.address.account, await parts.store.origin(accepted.message_id)
        return await until_written(parts.clock, lambda: parts.access.pressed(account, by.author_id, about))

    async def _here(self, accepted: Accepted, session_id: int) -> Session | None:
        """The session that a button is about, if it lives where the button was pressed."""
        pressed_in = await self._parts.store.session(accepted.session_id)
        session = await self._parts.store.session(session_id)
        if pressed_in is None or session is None:
            return None
        place, there = session.address, pressed_in.address
        return session if (place.account, place.chat) == (there.account, there.chat) else None


def _is_number(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) <= _LONGEST_NUMBER
