"""Connections come and go; what is beyond help is said in a sentence."""

import pytest
import structlog

from adapters.emulators.slack_api import SCOPES
from tests.contract.slack_adapter import APP_TOKEN, BOT_TOKEN, setting
from tests.harness.waiting import glance, within


@pytest.fixture
async def at():
    async with setting() as made:
        yield made


def without(*scopes):
    return tuple(one for one in SCOPES if one not in scopes)


async def test_a_dropped_connection_comes_back(at):
    async with at.running():
        await at.sink.until_ready()
        at.play.disconnect()
        at.play.say(at.ann, at.direct, "meanwhile")
        await at.sink.until_ready(2)
        at.play.say(at.ann, at.direct, "afterwards")
        await at.sink.until_texts("meanwhile", "afterwards")
        at.play.disconnect()
        await at.sink.until_ready(3)
    assert at.sink.losses == ["The connection to Slack broke."] * 2
    assert len([one for batch in at.sink.offered for one in batch.items]) == 2


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_a_planned_change_of_connection_is_no_loss(at, reason):
    async with at.running():
        await at.sink.until_ready()
        at.emulator.socket.disconnect(reason, close=reason == "refresh_requested")
        at.play.say(at.ann, at.direct, "meanwhile")
        await at.sink.until_ready(2)
        at.play.say(at.ann, at.direct, "afterwards")
        await at.sink.until_texts("meanwhile", "afterwards")
    assert at.sink.losses == []
    assert len(at.calls("conversations.history")) == 2


async def test_one_new_connection_after_the_other_is_not_made_without_a_pause(at):
    at.fault("hold", "users.conversations", times=3)
    async with at.running():
        for number in range(3):
            await at.emulator.events.until(
                lambda number=number: len(at.calls("users.conversations")) > number or None
            )
            at.emulator.socket.disconnect("warning", close=False)
        await at.sink.until_ready()
    assert len(at.clock.slept) == 3
    assert at.sink.losses == ["Slack asks for a new connection again and again."]


async def test_a_link_that_is_disabled_is_explained(at):
    async with at.running():
        await at.sink.until_ready()
        at.emulator.socket.disconnect("link_disabled", close=True)
        await at.sink.until_ready(2)
    assert at.sink.losses == ["Socket Mode was switched off; switch it on in the app's settings."]


async def test_an_outage_is_told_once_and_outlasted(at):
    at.fault("500", "auth.test", times=4)
    async with at.running():
        await at.sink.until_ready()
    assert at.sink.told == ["lost: Slack's server is failing.", "ready"]
    waits = at.clock.slept
    assert len(waits) == 4
    assert waits[3] > waits[0]


async def test_a_rate_limit_of_connecting_is_waited_for_exactly(at):
    at.fault("429", "apps.connections.open", retry_after=17)
    async with at.running():
        await at.sink.until_ready()
    assert at.clock.slept == [17.0]


@pytest.mark.parametrize("scope", ["chat:write", "im:history", "app_mentions:read", "channels:read"])
async def test_a_scope_without_which_nothing_works(scope):
    async with setting(scopes=without(scope)) as at:
        async with at.running() as task:
            await within(task, "the end")
        (why,) = at.sink.losses
        assert scope in why
        assert at.sink.told == [f"lost: {why}"]


async def test_all_missing_scopes_are_named_together():
    async with setting(scopes=("chat:write",)) as at, at.running() as task:
        await within(task, "the end")
        assert "app_mentions:read, channels:history, channels:read, im:history, im:read" in at.sink.losses[0]


async def test_a_scope_that_may_be_missing():
    async with setting(scopes=without("users:read", "groups:read", "mpim:history")) as at:
        with structlog.testing.capture_logs() as logs:
            async with at.running():
                await at.sink.until_ready()
                at.play.say(at.ann, at.direct, "hello")
                await at.sink.until_texts("hello")
        missing = [line["scope"] for line in logs if line["event"] == "slack.scope_missing"]
        assert missing == ["groups:read", "mpim:history", "users:read"]
        assert at.sink.items[0].author_name == at.ann
        assert at.calls("users.info") == []
        (listed,) = at.calls("users.conversations")
        assert listed.params["types"] == "im,public_channel"


@pytest.mark.parametrize("scope", ["commands", "files:read", "files:write", "reactions:write"])
async def test_what_goes_missing_without_a_scope_is_said(scope):
    async with setting(scopes=without(scope)) as at:
        with structlog.testing.capture_logs() as logs:
            async with at.running():
                await at.sink.until_ready()
        (line,) = [line for line in logs if line["event"] == "slack.scope_missing"]
        assert line["scope"] == scope
        assert line["therefore"]


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ({"bot_tokens": ("xoxb-9-9-other",)}, "does not accept the bot token (invalid_auth)"),
        ({"app_tokens": ("xapp-9-9-9-other",)}, "does not accept the app token (invalid_auth)"),
    ],
)
async def test_a_token_that_slack_does_not_know(tokens, words):
    async with setting(**tokens) as at:
        async with at.running() as task:
            await within(task, "the end")
        (why,) = at.sink.losses
        assert words in why
        assert BOT_TOKEN not in why
        assert APP_TOKEN not in why


async def test_an_app_that_is_uninstalled(at):
    async with at.running() as task:
        await at.sink.until_ready()
        at.emulator.revoke()
        at.play.disconnect()
        await within(task, "the end")
    assert "token_revoked" in at.sink.losses[-1]


async def test_the_sdk_is_silent_and_no_token_is_logged(at, caplog):
    at.fault("drop", "auth.test")
    with structlog.testing.capture_logs() as logs:
        async with at.running():
            await at.sink.until_ready()
            at.play.disconnect()
            await at.sink.until_ready(2)
        await at.adapter.close()
    assert caplog.records == []
    assert BOT_TOKEN not in str(logs)
    assert APP_TOKEN not in str(logs)


async def test_no_server_at_all():
    async with setting(api_url="http://127.0.0.1:9/api/") as at, at.running():
        await at.sink.until(lambda sink: sink.losses)
        await within(glance(lambda: len(at.clock.slept) > 3), "more attempts")
        why = "There is no connection to Slack. Is the server at 127.0.0.1:9 running? Check api_url."
        assert at.sink.losses == [why]


@pytest.mark.parametrize("path", ["", "/wrong/"])
async def test_a_wrong_path_of_the_server_is_named(at, path):
    async with setting(api_url=at.emulator.api_url.removesuffix("/api/") + path) as elsewhere:
        async with elsewhere.running():
            await elsewhere.sink.until(lambda sink: sink.losses)
        assert "its path must end with /api/" in elsewhere.sink.losses[0]
