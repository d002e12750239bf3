"""While agents are at work: how soon what is said meanwhile is stored, and how soon an answer can be read.

The platform is told that a message was received only after it was committed. So a message counts as stored
when the emulator hears the poll that confirms it; that takes in the way back and the ledger's commit.
"""

import asyncio
from typing import cast

from bench.figures import Figure, Meter, percentile, why
from bench.people import Letter, answered, crowd
from bench.processes import Emulator, Stage, gateway
from bench.steady import PAUSE_SECONDS, Found, chats, latencies

CHATS = 8
WORK = " And then? [[sleep {}s]] And after that?"
_WITHIN = 10.0


async def busy(stage: Stage, place: Emulator, each: int) -> Found:
    """People write `each` messages while the agent is at work on what they asked before."""
    subject = await gateway(stage, place, "busy", 500_001)
    await subject.start()
    people_there = chats(1_400_001, CHATS)
    stored: list[float] = []
    async with crowd(place.control, subject.bot) as people:
        await people.at_once(people_there)
        shown = await people.at_once(people_there, WORK.format(3))
        # So long that all of them are at work until the last of what follows is stored.
        own, agents = subject.processes()
        meter = Meter({"gateway": [own], "agent": agents})
        work = [people.write(chat, WORK.format(5 + each * CHATS // 50)) for chat in people_there]
        await answered(work)  # its beginning can be read
        letters: list[Letter] = []
        for _ in range(each):
            for chat in people_there:
                after = await place.control.seq()
                letter = people.write(chat)
                letters.append(letter)
                said, confirmed = await _confirmed(place, subject.bot, letter.number, after)
                stored.append(1000 * (confirmed - said))
                await asyncio.sleep(PAUSE_SECONDS)
        usage = meter.stop()
        at_work = sum(letter.answered_at is None for letter in letters) / len(letters)
        await answered(letters)
        audit = await people.audit()
    await subject.stop()
    note = f"{len(stored)} messages, {at_work:.0%} of them with the chat's agent still at work"
    return Found(
        [
            Figure(
                "stored_p50",
                "stored and acknowledged while a prompt is in flight, p50",
                percentile(stored, 0.5),
                "ms",
                aim=10,
                note=note,
                reason=why(usage, len(stored)),
            ),
            Figure("stored_p99", "stored while a prompt is in flight, p99", percentile(stored, 0.99), "ms"),
            Figure(
                "shown_p50",
                "first words of an answer that takes 3 s, p50",
                percentile(latencies(shown), 0.5) / 1000,
                "s",
                aim=2,
                reason="an answer may take one second before it is shown as it grows",
            ),
        ],
        audit,
        {"stored": stored},
    )


async def _confirmed(place: Emulator, bot: int, number: int, after: int) -> tuple[float, float]:
    """When the emulator had the message, and when the bot confirmed it."""
    said = 0.0
    async with asyncio.timeout(_WITHIN):
        async for event in place.control.stream(after, ("message", "confirmed")):
            at = cast("float", event["at"])
            if not said and f"note {number}:" in str(event.get("text", "")) and not event["from_bot"]:
                said = at
            elif said and event["kind"] == "confirmed" and str(event["account"]) == str(bot):
                return said, at
    raise RuntimeError(f"message {number} was never confirmed")
