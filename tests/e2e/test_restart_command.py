"""`/restart` in the chat: for administrators, once, and with one word when it is back."""

from gateway.engine.commands import ADMINS_ONLY, BACK, RESTARTING
from gateway.engine.drain import CUT_NOTICE
from gateway.model.operation import Intent

NOTICES = [RESTARTING, BACK]


def admins(stage, *chats):
    stage.configure(access={"default": "allow", "admins": [f"telegram:{chat.id}" for chat in chats]})


async def test_an_administrator_restarts_it_and_a_redelivery_does_not(stage):
    ann, bob = stage.chat("Ann"), stage.chat("Bob")
    admins(stage, ann)
    gateway = await stage.start()
    bob.say("/restart")
    await stage.shows(bob, ADMINS_ONLY)
    bob.say("count the apples [[sleep 700ms]]")
    await stage.at_work("count the apples")
    ann.say("/restart")
    assert await gateway.exited() == 75
    assert [line.text for line in ann.replies] == [RESTARTING]
    assert len(bob.answers("count the apples")) == 1
    assert stage.ledger.stopped_cleanly

    bot = stage.emulator.world.bot()
    last = max(number for number in range(1, 10) if bot.updates.find(number))
    for _ in range(2):
        gateway = await stage.start()
        await stage.shows(ann, BACK)
        bot.updates.repeat([bot.updates.find(last)])
        await gateway.logged("message.duplicate")
        await stage.ask(bob, f"is it back {len(bob.asked)}x")
        await stage.settled()
        assert gateway.log.count("drain.started") == 0
        await gateway.kill()
    ann.check(notices=NOTICES)
    bob.check(notices=[ADMINS_ONLY])


async def test_in_the_topic_that_asked_also_when_the_restart_was_killed(stage):
    ann, bob = stage.chat("Ann"), stage.chat("Bob")
    admins(stage, ann)
    world = stage.emulator.world
    group = world.add_group("Garden", [int(ann.id), int(bob.id)], forum=True, bot_admin=True)
    beds, trees = world.add_topic(group.id, "Beds"), world.add_topic(group.id, "Trees")
    gateway = await stage.start()
    bob.say("count for long [[tool scales 10m]]")
    await stage.in_tool("scales")

    def shown():
        found = [m for m in group.messages.values() if m.author.is_bot]
        return [(m.thread, m.text) for m in found]

    stage.emulator.people.send(int(ann.id), "/restart", chat_id=group.id, thread=trees)
    await stage.until(
        stage.emulator.events.until(lambda: (trees, RESTARTING) in shown()), "the restart's announcement"
    )
    await gateway.logged("drain.started")
    sent = "SELECT count(*) FROM deliveries WHERE state = 'sent'"
    await stage.knows(lambda ledger: ledger.one(sent) == 1, "the announcement to be settled")
    await gateway.kill()

    await stage.start()
    await stage.answered(bob, "count for long")
    await stage.settled()
    assert shown() == [(trees, RESTARTING), (trees, BACK)]
    assert beds != trees
    bob.check()


async def test_accepted_right_before_a_kill_it_is_answered_and_not_repeated(stage):
    ann, bob = stage.chat("Ann"), stage.chat("Bob")
    admins(stage, ann)
    ann.say("/restart")
    bob.say("/restart")
    gateway = await stage.start(failpoint="intake.committed")
    await gateway.killed()

    gateway = await stage.start()
    await stage.shows(ann, BACK)
    await stage.shows(bob, ADMINS_ONLY)
    await stage.ask(bob, "hello there")
    await stage.settled()
    assert gateway.log.count("drain.started") == 0
    ann.check(notices=[BACK])
    bob.check(notices=[ADMINS_ONLY])


async def test_sent_while_the_gateway_was_down_it_restarts_once(stage):
    ann = stage.chat("Ann")
    admins(stage, ann)
    ann.say("/restart")
    gateway = await stage.start(ready=False)
    assert await gateway.exited() == 75
    gateway = await stage.start()
    await stage.shows(ann, BACK)
    await stage.ask(ann, "hello there")
    await stage.settled()
    assert gateway.log.count("drain.started") == 0
    ann.check(notices=NOTICES)


async def test_only_chats_whose_turn_is_cut_hear_of_it(stage):
    ann, bob, eve = stage.chat("Ann"), stage.chat("Bob"), stage.chat("Eve")
    admins(stage, ann)
    stage.configure(shutdown={"drain_timeout": "300ms"})
    gateway = await stage.start()
    await stage.ask(eve, "good day")
    bob.say("count for ever [[tool scales 10m]]")
    await stage.in_tool("scales")
    ann.say("/restart")
    assert await gateway.exited() == 75

    await stage.start()
    await stage.answered(bob, "count for ever")
    await stage.shows(ann, BACK)
    await stage.settled()
    ann.check(notices=NOTICES)
    bob.check(notices=[CUT_NOTICE[Intent.RESTART]])
    eve.check()
