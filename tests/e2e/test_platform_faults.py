"""A platform that repeats itself, slows down, or breaks off: every message is answered, in order, once."""

from adapters.emulators.faults import FaultKind, When
from adapters.emulators.telegram_api import Limits


async def test_duplicates_are_answered_once(stage):
    ann = stage.chat("Ann")
    gateway = await stage.start()
    stage.fault(FaultKind.DUPLICATE, "getUpdates")
    await stage.ask(ann, "hello there")
    bot = stage.emulator.world.bot()
    await stage.until(stage.emulator.wait("pending", count=0), "the update to be confirmed")
    first = bot.updates.find(1)
    bot.updates.repeat([first])
    await gateway.logged("message.duplicate")
    await gateway.kill()

    gateway = await stage.start()
    bot.updates.repeat([first])
    await gateway.logged("message.duplicate")
    await stage.ask(ann, "something else")
    await stage.settled()
    ann.check(labelled=[text for text in ann.asked if any(line.labelled for line in ann.answers(text))])
    assert stage.memory.heard("hello there") == 1


async def test_rate_limits_delay_and_lose_nothing(stage):
    ann, bob = stage.chat("Ann"), stage.chat("Bob")
    stage.emulator.api.set_limits(Limits(enabled=True, scale=8))
    gateway = await stage.start()
    for number in range(8):
        ann.say(f"part {number}x")
    await gateway.logged("delivery.delayed")
    await stage.ask(bob, "am I held up")
    await stage.answered(ann, "part 7x")
    await stage.settled()
    ann.check()
    bob.check()
    assert ann.in_order


async def test_a_send_whose_connection_breaks_is_repeated_with_a_label_or_not_at_all(stage):
    ann, bob = stage.chat("Ann"), stage.chat("Bob")
    await stage.start()
    stage.fault(FaultKind.DROP, "sendMessage", When.AFTER, chat=str(ann.id))
    stage.fault(FaultKind.DROP, "sendMessage", When.BEFORE, chat=str(bob.id))
    await stage.ask(ann, "hello there")
    await stage.answered(ann, "hello there", 2)
    await stage.ask(bob, "good day")
    await stage.settled()
    ann.check(labelled=ann.asked)
    bob.check(labelled=bob.asked)


async def test_messages_of_an_outage_are_answered_after_it(stage):
    ann = stage.chat("Ann")
    gateway = await stage.start()
    await stage.ask(ann, "before it")
    await stage.emulator.stop()
    await gateway.logged("account.lost")
    ann.say("during it")
    await stage.emulator.start()
    await stage.answered(ann, "during it")
    await stage.settled()
    ann.check()
    assert ann.in_order
