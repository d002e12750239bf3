"""The smaller parts of the Discord adapter, each on its own."""

import asyncio

import pytest
from pydantic import ValidationError

from adapters.discord.cursors import WRITE_SECONDS, Cursors
from adapters.discord.lanes import Lanes
from adapters.discord.login import ration
from adapters.discord.manifest import DiscordAccount
from adapters.discord.outcomes import TroubleKind, trouble, words
from adapters.discord.rest import Answer, Broken, NotSent
from adapters.discord.threads import NAME_LIMIT, UNNAMED, title
from tests.harness.waiting import within

TOKEN = "MTEwMDAw.GEmulA.a-token-of-valid-shape"


def test_a_token_of_the_right_shape():
    assert DiscordAccount(platform="discord", token=TOKEN).threads == "auto"


@pytest.mark.parametrize(
    ("token", "word"),
    [("", "three parts"), ("a.b", "three parts"), ("Bot a.b.c", "alone"), ("a.b.c d", "three")],
)
def test_tokens_that_are_none(token, word):
    with pytest.raises(ValidationError, match=word) as refused:
        DiscordAccount(platform="discord", token=token)
    assert "a.b" not in str(refused.value)


@pytest.mark.parametrize(
    "wrong", [{"api_url": "ws://127.0.0.1"}, {"gateway_url": "http://127.0.0.1"}, {"threads": "yes"}]
)
def test_settings_that_make_no_sense(wrong):
    with pytest.raises(ValidationError):
        DiscordAccount.model_validate({"platform": "discord", "token": TOKEN, **wrong})


def test_cursors_only_grow():
    cursors = Cursors()
    cursors.load({"": "5", "600": "90", "dm:7": "80", "801": "70"})
    assert (cursors.baseline, cursors.get("600"), cursors.get("9")) == (5, 90, 0)
    assert cursors.advance("600", 50) == 90
    assert cursors.advance("801", 100) == 100
    assert cursors.channels() == [(801, 100), (600, 90)]
    assert cursors.directs(5) == [7]
    assert cursors.directs(0) == []


def test_cursors_are_written_along_now_and_then():
    cursors = Cursors()
    assert cursors.looked_at("1", 10, 0) == {"1": "10"}
    assert cursors.looked_at("2", 20, 1) == {"2": "20"}
    assert cursors.looked_at("1", 30, WRITE_SECONDS) == {"1": "30", "2": "20"}
    assert cursors.looked_at("3", 40, WRITE_SECONDS + 1) == {"3": "40"}


@pytest.mark.parametrize(
    ("left", "reset", "wait"), [(1000, 86400, 0), (50, 86400, 0), (49, 49, 1), (0, 60, 60)]
)
def test_rations(left, reset, wait):
    assert ration(left, reset) == wait


def test_titles():
    assert title(" a\nb ") == "a b"
    assert title(" ") == UNNAMED
    assert title("word " * 40).endswith("word…")
    assert len(title("word " * 40)) <= NAME_LIMIT
    assert title("x" * 300) == "x" * (NAME_LIMIT - 1) + "…"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (NotSent("x"), TroubleKind.NETWORK),
        (Broken("x"), TroubleKind.NETWORK),
        (Answer(401), TroubleKind.TOKEN),
        (Answer(429), TroubleKind.BLOCKED),
        (Answer(429, {}), TroubleKind.RATE_LIMIT),
        (Answer(502), TroubleKind.SERVER),
        (Answer(403, {}, 40333, "internal network error"), TroubleKind.REFUSED),
        (Answer(200), TroubleKind.RUBBISH),
    ],
)
def test_troubles(reply, kind):
    found = trouble(reply)
    assert found.kind is kind
    assert found.why.endswith(".")
    assert found.kind.final == (kind is TroubleKind.TOKEN)


def test_a_proxy_may_find_a_file_too_large():
    assert words(Answer(413)) == "the file is larger than Discord takes from the bot here"
    assert words(Answer(413, code=40005)).endswith("(Discord 40005)")


def test_words():
    assert words(Answer(404, {}, 10003, "Unknown Channel")).startswith("the channel or thread is gone")
    assert words(Answer(400, {}, 99, "Oh")) == "Oh (Discord 99)"
    assert words(Answer(502)) == "HTTP status 502"


async def test_lanes_keep_their_order_and_stop_reading_when_full():
    done, gate = [], asyncio.Event()

    def job(name, wait=False):
        async def work():
            if wait:
                await gate.wait()
            done.append(name)

        return work

    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(tasks, limit=3)
        lanes.put(1, job("a", wait=True))
        lanes.put(1, job("b"))
        lanes.put(2, job("c"))
        assert not lanes._room.is_set()
        await within(lanes.room(), "room")  # the other lane is done
        assert done == ["c"]
        gate.set()
    assert done == ["c", "a", "b"]


async def test_lanes_can_be_left():
    async with asyncio.TaskGroup() as tasks:
        lanes = Lanes(tasks)
        lanes.put(1, asyncio.Event().wait)
        lanes.put(1, asyncio.Event().wait)
        lanes.stop()
