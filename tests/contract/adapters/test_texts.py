"""A text is shown as it was given: nothing of it is markup that eats it, and it calls nobody."""

import pytest

from adapters.labels import REPEAT_LABEL
from gateway.model.delivery import Button, Delivered, DeliveryKind

TEXTS = [
    "a *star*, _line_, ~wave~, `tick`, **bold** and ||hidden||",
    "<b>bold</b> & <i>x</i> &amp; &lt;tag&gt; 1 < 2 > 0",
    "# heading\n\n- list\n1. one\n\n> quoted\n\n```python\nprint('<&>')\n```\nend",
    "[link](https://example.org/?a=1&b=2) https://example.org/_x_ ann@example.org",
    "snake_case_name __init__ 2*3*4 C:\\path\\*.txt \\_ \\\\",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "ünïcödé 漢字 👩‍👩‍👧 é ﷺ \u200f right to left",
]
CALLS = [
    "@everyone and @here and @channel",
    "<!channel> <!here> <!everyone> <!subteam^S012345>",
    "<@U012345> <@1001> <@&1002> <#C012345> @carryon",
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("buttons", [(), (Button("Yes", "yes"),)], ids=["bare", "buttons"])
async def test_a_text_is_shown_as_it_is(at, text, buttons):
    adapter = at.connect()
    sent = await adapter.send(at.delivery(text, buttons=buttons))
    assert isinstance(sent, Delivered)
    assert at.said() == [text]
    other = text[::-1].strip() + " reversed"
    assert await adapter.edit(at.delivery(other, buttons=buttons), sent.message_id) == sent
    assert at.said() == [other]


@pytest.mark.parametrize("text", CALLS)
async def test_who_is_named_in_an_answer_is_still_named(at, text):
    """To the eye; whether it rings is for the platform's own tests."""
    adapter = at.connect()
    assert isinstance(await adapter.send(at.delivery(text)), Delivered)
    (said,) = at.said()
    assert said.replace("\u200b", "") == text


@pytest.mark.parametrize("kind", [DeliveryKind.REPLY, DeliveryKind.STREAM])
@pytest.mark.parametrize("filling", ["x", "😀", "é ", "<&>*_", "line\n"])
async def test_the_longest_text_arrives_whole_with_its_label(at, filling, kind):
    adapter = at.connect()
    limit = adapter.text_limit
    assert 1000 < limit <= at.manifest.text_limit
    longest = filling * (limit // _units(filling))
    longest = (longest + "x" * (limit - _units(longest))).strip() or "x"
    assert limit - 2 <= _units(longest) <= limit
    sent = await adapter.send(at.delivery(longest, doubtful=True, kind=kind))
    assert isinstance(sent, Delivered)
    assert at.said() == [REPEAT_LABEL + longest]
    assert await adapter.edit(at.delivery(longest[::-1]), sent.message_id) == sent
    assert at.said() == [longest[::-1]]


async def test_the_longest_text_may_have_buttons(at):
    adapter = at.connect()
    longest = "x" * adapter.text_limit
    buttons = (Button("Yes", "yes"), Button("No", "no"))
    sent = await adapter.send(at.delivery(longest, doubtful=True, buttons=buttons))
    assert isinstance(sent, Delivered)
    assert at.said() == [REPEAT_LABEL + longest]


async def test_what_cannot_be_encoded_does_not_cost_the_rest(at):
    adapter = at.connect()
    sent = await adapter.send(at.delivery("half a pair: \ud83d."))
    assert isinstance(sent, Delivered)
    (said,) = at.said()
    assert said.startswith("half a pair: ")
    assert said.endswith(".")


async def test_a_long_button_is_cut_and_its_data_kept(at):
    async with at.life() as adapter:
        data = "é" * 32  # 64 bytes
        sent = await adapter.send(at.delivery("?", buttons=(Button("Really " * 20, data),)))
        assert isinstance(sent, Delivered)
        (shown,) = [one for one in at.play.shown(at.direct) if one.from_bot]
        at.play.press(at.ann, at.direct, sent.message_id, shown.labels[0])
        await at.sink.until(lambda sink: sink.heard)
    assert at.sink.heard[0].button == data


def _units(text):
    return len(text.encode("utf-16-le")) // 2
