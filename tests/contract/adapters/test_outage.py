"""A connection that breaks is told once, comes back, and costs nobody a message."""

import pytest

from adapters.emulators.faults import When
from gateway.model.delivery import Delivered


def told_well(at):
    """Each loss is a plain sentence, told once for each thing that is wrong; the end is good."""
    secrets = [str(one) for one in at.play.settings().values() if len(str(one)) > 12]
    since: set[str] = set()
    for what in at.sink.told:
        if what == "ready":
            since = set()
        elif what.startswith("lost: "):
            assert what not in since, "the same trouble is not told again at every attempt"
            since.add(what)
            assert what.endswith(".")
            assert not any(odd in what for odd in ("{", "\n", "Traceback", *secrets))
    assert not since, "it was told that all is well again"


async def test_ready_is_told_with_nothing_lost_before(at):
    async with at.life():
        assert at.sink.losses == []
        assert at.sink.told[-1] == "ready"


async def test_a_connection_that_is_cut_comes_back(at):
    channel = at.channel()
    async with at.life() as adapter:
        for number in range(3):
            at.say(f"before {number}")
            at.say(f"before {number}", channel, mention=True)
            await at.sink.until(lambda sink, n=number: len(sink.heard) == 4 * n + 2)
            ready = at.sink.told.count("ready")
            at.play.disconnect()
            at.say(f"meanwhile {number}")
            at.say(f"meanwhile {number}", channel, mention=True)
            await at.sink.until(lambda sink, n=number: len(sink.heard) == 4 * n + 4)
            await at.sink.until_ready(ready + 1)
        assert isinstance(await adapter.send(at.delivery()), Delivered)
    expected = [f"{when} {number}" for number in range(3) for when in ("before", "meanwhile")]
    assert at.sink.heard_in(at.direct) == expected
    assert at.sink.heard_in(channel) == expected
    told_well(at)


async def test_a_platform_that_goes_away_and_comes_back(at):
    channel = at.channel()
    async with at.life():
        at.say("before")
        at.say("before", channel, mention=True)
        await at.sink.until(lambda sink: len(sink.heard) == 2)
        await at.emulator.stop()
        for number in range(3):
            at.say(f"meanwhile {number}")
            at.say(f"meanwhile {number}", channel, mention=True)
        await at.sink.until(lambda sink: sink.losses)
        await at.clock.leapt(5)
        ready = at.sink.told.count("ready")
        await at.emulator.start()
        await at.sink.until_ready(ready + 1)
        at.say("after")
        at.say("after", channel, mention=True)
        await at.sink.until(lambda sink: len(sink.heard) == 10)
    expected = ["before", *(f"meanwhile {number}" for number in range(3)), "after"]
    assert at.sink.heard_in(at.direct) == expected
    assert at.sink.heard_in(channel) == expected
    told_well(at)


async def test_waits_between_attempts_grow(at):
    await at.emulator.stop()
    async with at.life(ready=False):
        await at.clock.leapt(12)
        await at.emulator.start()
        await at.sink.until_ready()
    waits = [one for one in at.clock.slept if one]
    assert 0 < waits[0] <= 1
    assert max(waits) > 5 * waits[0]
    assert max(waits) <= 60
    assert len(at.sink.losses) == 1
    told_well(at)


@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
@pytest.mark.parametrize("kind", ["429", "500", "502", "drop", "rubbish"])
async def test_receiving_recovers(at, kind, when):
    at.fault(kind, at.play.methods.receive, when, times=3)
    async with at.life():
        at.say("after all")
        await at.sink.until_heard("after all")
    told_well(at)
    assert at.play.faults.armed() == []


@pytest.mark.parametrize("kind", ["429", "500", "drop", "rubbish"])
async def test_no_single_failing_request_keeps_it_away(at, kind):
    """Whatever is asked at a connect may fail; five requests in a row do."""
    at.fault(kind, "*", times=5)
    async with at.life():
        at.say("after all")
        await at.sink.until_heard("after all")
    told_well(at)


async def test_credentials_that_are_not_known_end_the_account(at):
    settings = at.play.disown()
    adapter = at.connect(settings)
    await adapter.run(at.sink, at.sink.past)
    assert at.sink.told[-1].startswith("lost: ")
    assert "token" in at.sink.losses[-1]
    assert len(at.sink.losses) == 1
    assert "ready" not in at.sink.told
    secrets = [str(value) for name, value in settings.items() if "token" in name]
    assert not any(secret in at.sink.losses[-1] for secret in secrets)
