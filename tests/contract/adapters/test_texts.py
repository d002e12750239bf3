"""A text is Markdown: nothing that it says is lost by that, and it calls nobody."""

import re

import pytest

from adapters.labels import REPEAT_LABEL
from gateway.model.address import Route
from gateway.model.delivery import Button, Delivered, DeliveryKind
from tests.contract.adapters.scene import send

PLAIN = [
    "1 < 2 > 0 & so on; \"quoted\", 'quoted' (in brackets) 100 %",
    "two\nlines\n\nand a paragraph",
    "https://example.org/?a=1&b=2 ann@example.org",
    "ünïcödé 漢字 👩‍👩‍👧 é ﷺ \u200f right to left",
]
MARKED = [
    "a *star*, _line_, `tick`, **bold** and ~~gone~~ words",
    "# heading\n\nwords\n\n- list\n- more\n\n> quoted\n\nend",
    "```python\nprint(1 < 2 & 3)\n```\n\nafter",
    "open\n\n```python\nnever closed(",
    "**never closed, `nor this, [nor that",
    "| a | b |\n|---|---|\n| one | two |",
    "<b>tags</b> & <i>such</i>",
    "snake_case_name, 2 * 3 * 4, C:\\path",
]
CALLS = [
    "@everyone and @here and @channel",
    "<!channel> <!here> <!everyone> <!subteam^S012345>",
    "<@U012345> <@1001> <@&1002> <#C012345> @carryon",
]


@pytest.mark.parametrize("text", PLAIN)
@pytest.mark.parametrize("buttons", [(), (Button("Yes", "yes"),)], ids=["bare", "buttons"])
async def test_a_text_without_markup_is_shown_as_it_is(at, text, buttons):
    adapter = at.connect()
    sent = await send(adapter, at.delivery(text, buttons=buttons))
    assert at.said() == [text]
    other = text[::-1].strip() + " reversed"
    assert await adapter.edit(at.delivery(other, buttons=buttons), sent.message_id) == sent
    assert at.said() == [other]


@pytest.mark.parametrize("text", MARKED)
async def test_markdown_loses_no_word(at, text):
    """Signs of markup may vanish and blocks may be laid out anew; what is written is there, in its order."""
    adapter = at.connect()
    sent = await send(adapter, at.delivery(text))
    (said,) = at.said()
    assert words(said) == words(text)
    assert await adapter.edit(at.delivery(text + "\n\nthe end"), sent.message_id) == sent
    (said,) = at.said()
    assert words(said) == [*words(text), "the", "end"]


async def test_a_text_reads_the_same_however_it_came_to_be(at):
    """Sent at once, by an edit, or grown."""
    adapter, text = at.connect(), "**bold**, `code` and [a link](https://example.org/)\n\n- one\n- two"
    await send(adapter, at.delivery(text))
    edited = await send(adapter, at.delivery("before"))
    await adapter.edit(at.delivery(text), edited.message_id)
    grown = await send(adapter, at.delivery("before", kind=DeliveryKind.STREAM))
    await adapter.amend(Route(at.account, at.direct), grown.message_id, text)
    assert len(set(at.said())) == 1
    assert len(at.said()) == 3


async def test_a_text_whose_markup_is_refused_is_sent_as_it_is(at):
    """It was refused, so it was certainly not sent."""
    adapter, text = at.connect(), "**bold** words"
    at.special.refuse_markup()
    sent = await send(adapter, at.delivery(text))
    assert at.said() == [text]
    at.special.refuse_markup()
    assert await adapter.edit(at.delivery("__other__ words"), sent.message_id) == sent
    assert at.said() == ["__other__ words"]


@pytest.mark.parametrize(
    "filling", ["x", "😀", "é ", "line\n", "**b** ", "- one\n", "> q\n\n", "# h\n\n", "`c` "]
)
async def test_what_fits_is_one_message(at, filling):
    """Rendering may make a text longer or shorter, so it is `fits` that counts."""
    adapter = at.connect()
    few, many = 1, adapter.text_limit // _units(filling) + 2
    assert adapter.fits(filling * few)
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (middle, many) if adapter.fits(filling * middle) else (few, middle)
    longest = filling * few
    assert adapter.fits(longest)
    sent = await send(adapter, at.delivery(longest, doubtful=True))
    assert len(at.said()) == 1
    assert await adapter.edit(at.delivery(longest + "."), sent.message_id) == sent


async def test_the_limit_fits_and_more_does_not(at):
    adapter = at.connect()
    assert adapter.fits("x" * adapter.text_limit)
    assert not adapter.fits("x" * (adapter.text_limit * 3))
    assert adapter.fits("")


@pytest.mark.parametrize("text", CALLS)
async def test_who_is_named_in_an_answer_is_still_named(at, text):
    """To the eye; whether it rings is for the platform's own tests."""
    adapter = at.connect()
    assert isinstance(await adapter.send(at.delivery(text)), Delivered)
    (said,) = at.said()
    assert said.replace("\u200b", "") == text


@pytest.mark.parametrize("kind", [DeliveryKind.REPLY, DeliveryKind.STREAM])
@pytest.mark.parametrize("filling", ["x", "😀", "é ", "<&>", "line\n"])
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


def words(text: str) -> list[str]:
    """Without markup, and without the name of a language, which some platforms show and some do not."""
    return [one for one in re.findall(r"[^\W_]+", text) if one not in {"python", "b", "i"}]


def _units(text):
    return len(text.encode("utf-16-le")) // 2
