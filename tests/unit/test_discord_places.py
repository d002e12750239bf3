"""What is known of the bot's servers: who may read and open what, and what each channel is."""

import pytest

from adapters.discord.places import CREATE_THREADS, READ_HISTORY, VIEW, Places
from adapters.discord.snowflakes import moment, snowflake

ME, GUILD, ROLE, BOT_ROLE = 42, 700, 71, 72
USUAL = VIEW | READ_HISTORY | CREATE_THREADS


def guild(*channels, permissions=USUAL, role=0, roles=(), threads=()):
    return {
        "id": str(GUILD),
        "joined_at": "2024-01-01T00:00:00+00:00",
        "roles": [
            {"id": str(GUILD), "permissions": str(permissions)},
            {"id": str(ROLE), "permissions": str(role)},
            {"id": str(BOT_ROLE), "permissions": "0", "tags": {"bot_id": str(ME)}},
        ],
        "members": [{"user": {"id": str(ME)}, "roles": [str(one) for one in roles]}],
        "channels": list(channels),
        "threads": list(threads),
    }


def channel(number=600, kind=0, **more):
    return {"id": str(number), "type": kind, "last_message_id": "999", **more}


def rule(number, allow=0, deny=0):
    return {"id": str(number), "type": 0, "allow": str(allow), "deny": str(deny)}


def enter(data):
    places = Places()
    places.begin(ME)
    places.enter(data)
    return places


def test_a_channel_is_known():
    places = enter(guild(channel()))
    place = places.get(600)
    assert (place.chat, place.scope, place.last, place.guild) == ("600", "600", 999, GUILD)
    assert (place.readable, place.threads, place.direct, place.is_thread) == (True, True, False, False)
    assert moment(places.joined(place)) == 1_704_067_200
    assert places.roles_of_bot(GUILD) == {BOT_ROLE}


@pytest.mark.parametrize(
    ("data", "readable", "threads"),
    [
        (guild(channel(), permissions=VIEW | READ_HISTORY), True, False),
        (guild(channel(), permissions=READ_HISTORY), False, False),
        (guild(channel(), permissions=VIEW), False, False),
        (guild(channel(), permissions=VIEW, role=READ_HISTORY, roles=[ROLE]), True, False),
        (guild(channel(permission_overwrites=[rule(GUILD, deny=VIEW)])), False, True),
        (
            guild(channel(permission_overwrites=[rule(GUILD, deny=VIEW), rule(ROLE, VIEW)]), roles=[ROLE]),
            True,
            True,
        ),
        (guild(channel(permission_overwrites=[rule(ROLE, deny=VIEW)])), True, True),
        (
            guild(channel(permission_overwrites=[rule(ME, deny=VIEW), rule(ROLE, VIEW)]), roles=[ROLE]),
            False,
            True,
        ),
        (guild(channel(permission_overwrites=[rule(ME, deny=CREATE_THREADS)])), True, False),
        (
            guild(channel(permission_overwrites=[rule(ME, deny=VIEW)]), role=1 << 3, roles=[ROLE]),
            True,
            True,
        ),
        (guild(channel(kind=2)), True, False),
        (guild(channel(kind=5)), True, True),
    ],
)
def test_permissions(data, readable, threads):
    place = enter(data).get(600)
    assert (place.readable, place.threads) == (readable, threads)


def test_threads_belong_to_their_channel():
    threads = [
        {"id": "800", "type": 11, "parent_id": "600", "owner_id": str(ME)},
        {"id": "801", "type": 11, "parent_id": "600", "owner_id": "7"},
    ]
    places = enter(guild(channel(), threads=threads))
    assert (places.get(800).chat, places.get(800).for_bot) == ("600", True)
    assert places.get(801).for_bot is None
    places.get(801).for_bot = False
    places.put({**threads[1], "guild_id": str(GUILD), "name": "renamed"})
    assert places.get(801).for_bot is False


def test_what_nobody_talks_in_is_not_kept():
    places = enter(guild(channel(kind=4), channel(601, 99), {"id": None, "type": 0}, channel(602, "0")))
    assert [places.get(number) for number in (600, 601, 602)] == [None] * 3


def test_a_server_that_is_left_is_forgotten():
    places = enter(guild(channel(), channel(601)))
    places.remove(601)
    places.leave(GUILD)
    assert places.get(600) is None
    assert places.roles_of_bot(GUILD) == frozenset()
    places.leave(GUILD)
    places.remove(601)


@pytest.mark.parametrize(
    "broken", [{}, {"id": "700"}, {"id": "700", "channels": 5, "roles": "x", "joined_at": "?"}]
)
def test_nothing_is_certain_about_a_payload(broken):
    enter(broken)


def test_ids_hold_the_time():
    assert moment(snowflake(1_700_000_000)) == 1_700_000_000
    assert snowflake(5) == 0
