"""Socket Mode: what the app is told, how long it is waited for, and what goes wrong with it."""

import aiohttp
import pytest

from adapters.emulators.faults import Fault, FaultKind
from adapters.emulators.slack import SlackOptions
from adapters.emulators.slack_deliveries import Patience
from adapters.emulators.slack_playground import APP_TOKEN
from tests.contract.slack_emulator import ENDLESS, UNLIMITED, slack


@pytest.fixture
async def wire():
    async with slack() as (emulator, app):
        yield emulator, app, emulator.playground.person("Ann")


async def test_a_connection_begins_with_hello(wire):
    emulator, app, _ = wire
    assert not emulator.playground.connected()
    socket = await app.connect(greeted=False)
    hello = await socket.receive()
    assert (hello["type"], hello["num_connections"]) == ("hello", 1)
    assert hello["connection_info"] == {"app_id": emulator.world.app.app_id}
    await emulator.wait("connected")
    pong = await socket.socket.ping(b"sdk-ping-pong:1")
    assert pong is None
    await socket.socket.close()
    await emulator.wait("disconnected")


async def test_a_ticket_opens_one_connection(wire):
    _, app, _ = wire
    url = (await app.ok("apps.connections.open", token=APP_TOKEN))["url"]
    assert url.startswith("ws://127.0.0.1:")
    async with app.session.ws_connect(url):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await app.session.ws_connect(url)
    assert refused.value.status == 403


async def test_ten_connections_at_most(wire):
    emulator, app, _ = wire
    sockets = [await app.connect() for _ in range(10)]
    extra = await app.connect(greeted=False)
    assert (await extra.receive())["reason"] == "too_many_websockets"
    assert await extra.closed()
    assert emulator.socket.connected == len(sockets)


async def test_a_direct_message(wire):
    emulator, app, ann = wire
    socket = await app.connect()
    direct = emulator.playground.direct(ann)
    ts = emulator.playground.say(ann, direct, "a < b")
    envelope = await socket.envelope()
    assert (envelope["type"], envelope["accepts_response_payload"]) == ("events_api", False)
    assert (envelope["retry_attempt"], envelope["retry_reason"]) == (0, "")
    payload = envelope["payload"]
    assert (payload["type"], payload["team_id"]) == ("event_callback", emulator.world.app.team_id)
    assert payload["authorizations"][0]["user_id"] == emulator.world.bot.id
    event = payload["event"]
    assert (event["type"], event["channel"], event["channel_type"]) == ("message", direct, "im")
    assert (event["user"], event["text"], event["ts"], event["event_ts"]) == (ann, "a &lt; b", ts, ts)
    await socket.ack(envelope)
    await emulator.wait("under_way", count=0)
    assert (await emulator.events.event("acked")).data["event_id"] == payload["event_id"]


async def test_a_mention_is_two_events(wire):
    emulator, app, ann = wire
    socket = await app.connect()
    channel = emulator.playground.channel(ann)
    emulator.playground.say(ann, channel, "hi", mention=True)
    first, second = await socket.event(), await socket.event()
    assert (first["type"], second["type"]) == ("message", "app_mention")
    assert first["ts"] == second["ts"]
    assert first["event_id"] != second["event_id"]
    assert first["text"] == f"<@{emulator.world.bot.id}> hi"
    emulator.socket.deliveries.swap_next_two()
    emulator.playground.say(ann, channel, "hi", mention=True)
    assert [(await socket.event())["type"] for _ in range(2)] == ["app_mention", "message"]


async def test_a_mention_in_a_direct_conversation_is_one_event(wire):
    emulator, app, ann = wire
    socket = await app.connect()
    for text in ("first", "second"):
        emulator.playground.say(ann, emulator.playground.direct(ann), text, mention=True)
    assert [(await socket.event())["text"][-6:] for _ in range(2)] == [" first", "second"]


async def test_the_app_hears_of_its_own_messages_and_of_changes(wire):
    emulator, app, ann = wire
    socket = await app.connect()
    direct = emulator.playground.direct(ann)
    metadata = {"event_type": "reply", "event_payload": {"key": "k"}}
    ts = await app.post(direct, "one", metadata=metadata)
    own = await socket.event()
    assert (own["bot_id"], own["metadata"]) == (emulator.world.app.bot_id, metadata)
    await app.ok("chat.update", channel=direct, ts=ts, text="two")
    changed = await socket.event()
    assert (changed["subtype"], changed["message"]["text"]) == ("message_changed", "two")
    assert (changed["previous_message"]["text"], changed["message"]["edited"]["user"]) == ("one", own["user"])
    theirs = emulator.playground.say(ann, direct, "thre")
    await socket.event()
    emulator.people.edit(ann, direct, theirs, "three")
    assert (await socket.event())["message"]["text"] == "three"
    emulator.people.delete(ann, direct, theirs)
    deleted = await socket.event()
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", theirs)


async def test_events_that_are_no_messages(wire):
    emulator, app, ann = wire
    bob = emulator.playground.person("Bob")
    channel = emulator.playground.channel(ann, bob)
    socket = await app.connect()
    emulator.people.open_home(ann)
    assert (await socket.event())["tab"] == "messages"
    thread = emulator.people.start_assistant(ann)
    assert (await socket.event())["assistant_thread"]["thread_ts"] == thread
    emulator.people.leave(bob, channel)
    assert (await socket.event())["type"] == "member_left_channel"
    emulator.people.remove_bot(channel)
    assert (await socket.event())["type"] == "channel_left"
    emulator.playground.say(ann, channel, "unheard")
    emulator.people.remove_bot(channel, removed=False)
    assert (await socket.event())["type"] == "member_joined_channel"
    emulator.playground.shut_out(channel)
    assert (await socket.event())["type"] == "channel_archive"
    emulator.revoke()
    assert (await socket.event())["type"] == "tokens_revoked"
    emulator.hearing.raw({"type": "nonsense", "text": 7})
    assert (await socket.event())["type"] == "nonsense"


async def test_only_what_is_subscribed_to():
    options = SlackOptions(limits=UNLIMITED, patience=ENDLESS, subscriptions=frozenset({"app_mention"}))
    async with slack(options) as (emulator, app):
        ann = emulator.playground.person()
        socket = await app.connect()
        emulator.playground.say(ann, emulator.playground.direct(ann), "unheard")
        emulator.playground.say(ann, emulator.playground.channel(ann), "hi", mention=True)
        assert (await socket.event())["type"] == "app_mention"


async def test_what_is_not_acknowledged_comes_again_and_is_lost_in_the_end(wire):
    emulator, app, ann = wire
    socket = await app.connect()
    direct = emulator.playground.direct(ann)
    emulator.playground.say(ann, direct, "hi")
    seen = [await socket.envelope()]
    for _ in range(3):
        emulator.socket.deliveries.hurry()  # the acknowledgement is late
        emulator.socket.deliveries.hurry()  # the retry is due
        seen.append(await socket.envelope())
    assert [one["retry_attempt"] for one in seen] == [0, 1, 2, 3]
    assert [one["retry_reason"] for one in seen] == ["", "timeout", "timeout", "timeout"]
    assert len({one["payload"]["event_id"] for one in seen}) == 1
    assert len({one["envelope_id"] for one in seen}) == 4
    emulator.socket.deliveries.hurry()
    lost = await emulator.events.event("envelope_lost")
    assert (lost.data["attempt"], lost.data["reason"]) == (3, "timeout")
    await socket.ack(seen[-1])
    await emulator.events.event("ack_unknown")
    assert await app.texts(direct) == ["hi"]


async def test_time_passes_by_itself():
    options = SlackOptions(limits=UNLIMITED, patience=Patience(ack=0.01, retries=(0, 0.01, 0.01)))
    async with slack(options) as (emulator, app):
        ann = emulator.playground.person()
        socket = await app.connect()
        emulator.playground.say(ann, emulator.playground.direct(ann), "hi")
        assert (await emulator.events.event("envelope_lost")).data["attempt"] == 3
        assert [(await socket.envelope())["retry_attempt"] for _ in range(4)] == [0, 1, 2, 3]


async def test_no_timer_outlives_an_outage(caplog):
    options = SlackOptions(limits=UNLIMITED, patience=Patience(ack=0.01, retries=(0, 0.01)))
    async with slack(options) as (emulator, app):
        ann = emulator.playground.person()
        for _ in range(2):
            await app.connect()
            emulator.playground.say(ann, emulator.playground.direct(ann), "hi")
            await emulator.stop()
            await emulator.start()
        emulator.playground.say(ann, emulator.playground.direct(ann), "hi")
        await emulator.events.event("envelope_lost", {"reason": "connection_failed"})
    assert [one.getMessage() for one in caplog.records if one.name == "asyncio"] == []


async def test_without_a_connection_deliveries_fail_at_once(wire):
    emulator, app, ann = wire
    direct = emulator.playground.direct(ann)
    emulator.playground.say(ann, direct, "lost")
    await emulator.events.event("envelope_failed", {"attempt": 2, "reason": "connection_failed"})
    emulator.socket.deliveries.hurry()
    emulator.socket.deliveries.hurry()
    await emulator.events.event("envelope_lost", {"reason": "connection_failed"})
    emulator.playground.say(ann, direct, "retried")
    await emulator.events.event("envelope_failed", {"attempt": 2}, after=emulator.events.seq - 2)
    socket = await app.connect()
    emulator.socket.deliveries.hurry()
    envelope = await socket.envelope()
    assert (envelope["retry_attempt"], envelope["payload"]["event"]["text"]) == (2, "retried")
    assert await app.texts(direct) == ["retried", "lost"]


async def test_a_connection_that_ends_fails_what_it_had_not_acknowledged(wire):
    emulator, app, ann = wire
    first = await app.connect()
    second = await app.connect()
    for number in range(4):
        emulator.playground.say(ann, emulator.playground.direct(ann), str(number))
    mine = [await first.envelope() for _ in range(2)]
    kept = [await second.envelope() for _ in range(2)]
    await first.socket.close()
    again = [await second.envelope() for _ in range(2)]
    assert [one["payload"]["event_id"] for one in again] == [one["payload"]["event_id"] for one in mine]
    assert {one["retry_reason"] for one in again} == {"connection_failed"}
    for one in (*kept, *again):
        await second.ack(one)
    await emulator.wait("under_way", count=0)


async def test_an_outage_cuts_the_connections(wire):
    emulator, app, _ = wire
    socket = await app.connect()
    emulator.playground.disconnect()
    assert not emulator.playground.connected()
    assert await socket.closed()
    await app.connect()
    assert emulator.playground.connected()


@pytest.mark.parametrize("reason", ["refresh_requested", "link_disabled"])
async def test_slack_says_goodbye(wire, reason):
    emulator, app, _ = wire
    socket = await app.connect()
    emulator.socket.disconnect(reason, close=True)
    assert await socket.receive() | {"debug_info": {}} == {
        "type": "disconnect",
        "reason": reason,
        "debug_info": {},
    }
    assert await socket.closed()
    assert not emulator.playground.connected()


async def test_a_warning_leaves_the_connection_open(wire):
    emulator, app, ann = wire
    socket = await app.connect()
    emulator.socket.disconnect("warning", close=False)
    assert (await socket.receive())["reason"] == "warning"
    emulator.playground.say(ann, emulator.playground.direct(ann), "still here")
    assert (await socket.event())["text"] == "still here"


async def test_a_duplicate(wire):
    emulator, app, ann = wire
    socket = await app.connect()
    emulator.faults.add(Fault(FaultKind.DUPLICATE, "envelope", text="twice"))
    for text in ("once", "twice", "once more"):
        emulator.playground.say(ann, emulator.playground.direct(ann), text)
    seen = [await socket.event() for _ in range(4)]
    assert [one["text"] for one in seen] == ["once", "twice", "twice", "once more"]
    assert len({one["event_id"] for one in seen}) == 3


async def test_what_is_told_once_more(wire):
    emulator, app, ann = wire
    socket = await app.connect()
    channel = emulator.playground.channel(ann)
    ts = emulator.playground.say(ann, channel, "hi", mention=True)
    first = [await socket.event() for _ in range(2)]
    emulator.playground.redeliver(channel, ts)
    again = [await socket.envelope() for _ in range(2)]
    assert [one["payload"]["event_id"] for one in again] == [one["event_id"] for one in first]
    assert [one["retry_attempt"] for one in again] == [1, 1]


async def test_a_muted_socket_is_an_outage_that_only_the_history_shows(wire):
    emulator, app, ann = wire
    socket = await app.connect()
    direct = emulator.playground.direct(ann)
    emulator.socket.deliveries.muted = True
    emulator.playground.say(ann, direct, "unheard")
    await emulator.events.event("envelope_lost", {"reason": "muted"})
    emulator.socket.deliveries.muted = False
    emulator.playground.say(ann, direct, "heard")
    assert (await socket.event())["text"] == "heard"
    assert await app.texts(direct) == ["heard", "unheard"]


async def test_a_click(wire):
    emulator, app, ann = wire
    channel = emulator.playground.channel(ann)
    root = emulator.playground.say(ann, channel, "go")
    shown = {"type": "plain_text", "text": "Stop"}
    buttons = [{"type": "button", "text": shown, "action_id": "stop", "value": "v"}]
    blocks = [{"type": "actions", "block_id": "b", "elements": buttons}]
    ts = await app.post(channel, "working", blocks=blocks, thread_ts=root)
    await emulator.wait("under_way", count=2)
    emulator.socket.deliveries.forget()
    socket = await app.connect()
    emulator.playground.press(ann, channel, ts, "Stop")
    envelope = await socket.envelope()
    assert (envelope["type"], envelope["accepts_response_payload"]) == ("interactive", True)
    assert "retry_attempt" not in envelope
    payload = envelope["payload"]
    assert (payload["type"], payload["user"]["id"], payload["channel"]["id"]) == (
        "block_actions",
        ann,
        channel,
    )
    assert (payload["container"]["message_ts"], payload["container"]["thread_ts"]) == (ts, root)
    [action] = payload["actions"]
    assert (action["action_id"], action["block_id"], action["value"]) == ("stop", "b", "v")
    await socket.ack(envelope, payload={})
    assert await app.answer(payload["response_url"], replace_original=True, text="stopped") == 200
    [reply] = emulator.playground.shown(channel, root)
    assert (reply.text, reply.labels, reply.edits) == ("stopped", (), 1)
    assert await app.answer(payload["response_url"], text="psst") == 200
    assert await app.answer(payload["response_url"], text="loud", response_type="in_channel") == 200
    assert await app.answer(payload["response_url"], delete_original=True) == 200
    assert [one.text for one in emulator.playground.shown(channel)] == ["go", "loud"]
    assert await app.answer(payload["response_url"], text="fifth") == 200
    assert await app.answer(payload["response_url"], text="sixth") == 404


async def test_a_click_is_never_retried(wire):
    emulator, app, ann = wire
    direct = emulator.playground.direct(ann)
    await app.connect()
    emulator.people.command(ann, direct, "/new", "please")
    emulator.socket.deliveries.hurry()
    lost = await emulator.events.event("envelope_lost")
    assert (lost.data["envelope_kind"], lost.data["attempt"]) == ("slash_commands", 0)


async def test_the_platform_goes_down_and_comes_back(wire):
    emulator, app, ann = wire
    await app.connect()
    direct = emulator.playground.direct(ann)
    emulator.playground.say(ann, direct, "under way")
    await emulator.stop()
    await emulator.events.event("envelope_lost", {"reason": "outage"})
    await emulator.start()
    assert await app.texts(direct) == ["under way"]
    await app.connect()
