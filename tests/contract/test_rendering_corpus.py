"""Every answer of the corpus, cut and sent through the real adapters to platforms that refuse what is wrong.

Nothing is refused or sent a second time as plain text, nothing is lost, no block of code is broken, and every
message is within the limit as the platform counts it.
"""

import re

import pyromark
import pytest

from gateway.rules.chunking import utf16_len
from gateway.rules.markdown import closed, cut
from tests.contract import discord_adapter, slack_adapter, telegram_adapter
from tests.corpus.answers import answers

ANSWERS = answers()
WORD = re.compile(r"w\d+x")
LIMITS = {"telegram": 4096, "discord": 2000, "slack": 12_000}


def unbroken(texts):
    """Words in the order in which they came, each once: headers of tables come again."""
    return list(dict.fromkeys(WORD.findall("\n".join(texts))))


def code_of(text):
    """The lines of all blocks of code, without the blank ones."""
    inside, found = False, []
    for event in pyromark.events(text, options=pyromark.Options.ENABLE_TABLES):
        match event:
            case {"Start": {"CodeBlock": _}}:
                inside = True
                found.append("")
            case {"End": "CodeBlock"}:
                inside = False
            case {"Text": words} if inside:
                found[-1] += words
            case _:
                pass
    return [line for block in found for line in block.split("\n") if line.strip()]


def solid(lines):
    return "".join("".join(lines).split())


async def sent(adapter, owed):
    """Send every answer in pieces; the pieces of each, and which were refused."""
    pieces, refused = {}, {}
    for name, answer in ANSWERS.items():
        pieces[name] = cut(answer, adapter.text_limit, adapter.fits)
        for number, piece in enumerate(pieces[name]):
            outcome = await adapter.send(owed(piece, f"{list(ANSWERS).index(name)}-{number}"))
            if type(outcome).__name__ != "Delivered":
                refused[name] = outcome
    return pieces, refused


@pytest.mark.parametrize("platform", ["telegram", "discord", "slack"])
async def test_every_answer_arrives_whole(platform):
    said, pieces, refused, calls = await globals()[f"on_{platform}"]()
    assert refused == {}
    assert [call for call in calls if call.outcome != "ok"] == [], "refused, and sent again as plain text"
    assert len(said) == sum(len(some) for some in pieces.values()), "something was sent twice or not at all"
    shown = iter(said)
    for name, some in pieces.items():
        texts = [next(shown) for _ in some]
        source = ANSWERS[name].replace("\r\n", "\n")
        assert unbroken(texts) == unbroken([source]), name
        assert all(utf16_len(text) <= LIMITS[platform] for text in texts), name
        assert all(text.strip() for text in texts), name
        for piece, text in zip(some, texts, strict=True):
            if len(some) > 1:
                assert closed(piece) == piece, name
            assert platform == "telegram" or closed(text) == text, name
        assert solid(code_of(source)) == solid(line for piece in some for line in code_of(piece)), name


async def on_telegram():
    async with telegram_adapter.setting() as setting:
        pieces, refused = await sent(setting.adapter, lambda body, _: telegram_adapter.delivery(body))
        return setting.texts(), pieces, refused, setting.emulator.calls.since()


async def on_discord():
    async with discord_adapter.setting() as setting, setting.running():
        await setting.sink.until_ready()
        pieces, refused = await sent(
            setting.adapter, lambda body, key: discord_adapter.delivery(setting.direct, body, key=key)
        )
        return setting.shown(), pieces, refused, setting.emulator.calls.since()


async def on_slack():
    async with slack_adapter.setting() as setting:
        pieces, refused = await sent(
            setting.adapter, lambda body, key: slack_adapter.delivery(body, setting.direct, key=key)
        )
        return setting.texts(), pieces, refused, setting.emulator.calls.since()


def test_the_corpus_is_large_enough():
    assert len(ANSWERS) >= 220
