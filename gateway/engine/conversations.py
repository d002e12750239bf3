"""Which conversation goes on in a chat: a new one, the present one after it was cut short, or an earlier one.

People know conversations by the numbers of their sessions, which stay what they are. Each of these commands
comes to the same when a crash has it carried out twice.
"""

from dataclasses import dataclass

from gateway.engine.endings import Cut
from gateway.engine.lanes import Lanes
from gateway.engine.persist import until_written
from gateway.engine.streams import CUT_SHORT, Streams
from gateway.engine.turns import Turns
from gateway.model.intake import Accepted
from gateway.model.session import Session
from gateway.ports import Agents, Clock, Store
from gateway.rules.words import ago, counted, one_line

BEGINS = "A new conversation begins. The old one is kept."
AT_WORK = "The agent is at work already."
AT_WORK_HERE = "The agent is at work here. Wait for its answer, or send /stop first."
GOING_ON = "Going on."
NOTHING_CUT = "Nothing was cut short here. Just write on."
ANSWERING = "Nothing was cut short here. What waits is answered now."
EARLIER = "Earlier conversations; bring one back with /resume NUMBER:"
NO_NUMBER = "Send /resume with the number of a conversation; /resume alone lists those there are."
UNKNOWN = "There is no conversation {} here. /resume lists those there are."
STILL_ENDING = "The agent is still being stopped in that conversation. Try again in a moment."

MOST_LISTED = 10
TITLE_LENGTH = 60
_LONGEST_NUMBER = 18
"""Digits of an id. What is longer fits in no database."""


@dataclass(frozen=True, slots=True)
class ConversationParts:
    """What conversations are begun, continued and exchanged with."""

    store: Store
    lanes: Lanes
    turns: Turns
    streams: Streams
    agents: Agents
    clock: Clock


class Conversations:
    """Carries out /new and /resume."""

    def __init__(self, parts: ConversationParts) -> None:
        self._parts = parts

    async def new(self, accepted: Accepted) -> str:
        """A new conversation. The ledger began it, with its first request, when it accepted the command."""
        parts = self._parts
        session_id = accepted.session_id
        fresh = await until_written(
            parts.clock, lambda: parts.store.next_generation(session_id, parts.clock.now())
        )
        parts.lanes.wake(fresh)
        await parts.turns.cut(session_id, Cut.USER)
        await self._leave(session_id)
        return BEGINS

    async def resume(self, accepted: Accepted) -> str:
        """Go on with what was cut short, bring the conversation of a number back, or list those there are."""
        parts = self._parts
        if wanted := accepted.text.strip().removeprefix("#"):
            return await self._bring_back(accepted, wanted)
        if parts.lanes.busy(accepted.session_id):
            return AT_WORK
        event_id = f"resume:by-hand:{accepted.message_id}"
        unfinished = await until_written(
            parts.clock,
            lambda: parts.store.reactivate(accepted.session_id, event_id, parts.clock.now()),
        )
        if not unfinished and not await parts.store.waiting(accepted.session_id):
            return await self._list(accepted.session_id)
        parts.lanes.wake(accepted.session_id)
        return GOING_ON if unfinished else ANSWERING

    async def _list(self, session_id: int) -> str:
        parts = self._parts
        found = await parts.store.generations(session_id, MOST_LISTED + 1)
        now = parts.clock.now()
        lines = [
            f"- {one.id}: {_title(one)}, {ago(now - one.updated_at)}" for one in found if one.id != session_id
        ]
        return "\n".join([NOTHING_CUT, EARLIER, *lines[:MOST_LISTED]]) if lines else NOTHING_CUT

    async def _bring_back(self, accepted: Accepted, wanted: str) -> str:
        parts = self._parts
        if not (wanted.isascii() and wanted.isdigit() and len(wanted) <= _LONGEST_NUMBER):
            return NO_NUMBER
        here, other = await parts.store.session(accepted.session_id), await parts.store.session(int(wanted))
        assert here is not None
        if other is None or other.address != here.address:
            return UNKNOWN.format(wanted)
        latest = next(iter(await parts.store.generations(here.id, 1)), here)
        present = max(here, latest, key=lambda one: one.generation)
        if present.id != other.id:
            for busy, why in ((present.id, AT_WORK_HERE), (other.id, STILL_ENDING)):
                if parts.lanes.busy(busy):
                    return why
        waiting = await parts.store.queue(present.id)
        back = await until_written(parts.clock, lambda: parts.store.bring_back(other.id, parts.clock.now()))
        said = [f"Conversation {other.id} goes on here: {_title(other)}."]
        if back:
            await self._leave(present.id)
            said += _taken_back(sum(one.id < accepted.message_id for one in waiting))
        if await parts.store.waiting(other.id):
            parts.lanes.wake(other.id)  # for what was written since
        elif other.resume_turn_id is not None and not parts.lanes.busy(other.id):
            said.append("Its last request was cut short: /resume finishes it.")
        return " ".join(said)

    async def _leave(self, session_id: int) -> None:
        """Nothing of a conversation that is not the present one any more stays under way."""
        await self._parts.agents.forget(session_id)
        await self._parts.streams.close_session(session_id, CUT_SHORT)


def _title(session: Session) -> str:
    title = one_line(session.title, TITLE_LENGTH)
    return f"“{title}”" if title else "(without words)"


def _taken_back(number: int) -> list[str]:
    if not number:
        return []
    what = f"{counted(number, 'message')} that waited in the one before"
    return [f"{what} {'was' if number == 1 else 'were'} taken back."]
