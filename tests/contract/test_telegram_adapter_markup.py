"""A text is shown with Telegram's entities, and as it was written where they are refused."""

import pytest

from adapters.labels import REPEAT_LABEL
from adapters.telegram.words import units
from gateway.model.address import Route
from gateway.model.delivery import Delivered, Rejected
from tests.contract.telegram_adapter import ACCOUNT, ANN, delivery, setting

HERE = Route(ACCOUNT, str(ANN))


@pytest.fixture
async def at():
    async with setting() as made:
        yield made


def newest(at):
    """The bot's last message: its text, and what of it is marked as what."""
    message = [one for one in at.emulator.world.chat(ANN).messages.values() if one.author.is_bot][-1]
    wide = message.text.encode("utf-16-le")
    return message.text, {
        wide[2 * one["offset"] : 2 * (one["offset"] + one["length"])].decode("utf-16-le"): one["type"]
        for one in message.entities
    }


async def test_a_text_is_shown_with_entities(at):
    await at.adapter.send(delivery("😀 **bold** and `code`"))
    assert newest(at) == ("😀 bold and code", {"bold": "bold", "code": "code"})
    (call,) = at.emulator.calls.since(method="sendMessage")
    assert "parse_mode" not in call.params
    assert call.params["link_preview_options"] == {"is_disabled": True}


async def test_the_label_of_a_repeat_moves_the_entities_along(at):
    await at.adapter.send(delivery("😀 **bold**", doubtful=True))
    assert newest(at) == (f"{REPEAT_LABEL}😀 bold", {"bold": "bold"})


async def test_an_edit_is_shown_with_entities(at):
    await at.adapter.send(delivery("before"))
    assert await at.adapter.edit(delivery("**after**"), "2") == Delivered("2")
    assert newest(at) == ("after", {"after": "bold"})
    assert await at.adapter.edit(delivery("**after**"), "2") == Delivered("2")
    (_, call) = at.emulator.calls.since(method="editMessageText")
    assert call.params["link_preview_options"] == {"is_disabled": True}


async def test_refused_entities_are_left_out_at_once(at):
    at.emulator.api.refuse_entities = 1
    assert await at.adapter.send(delivery("**bold**", reply_to="1")) == Delivered("2")
    assert newest(at) == ("**bold**", {})
    assert at.emulator.world.chat(ANN).messages[2].reply_to.id == 1
    assert [call.outcome for call in at.emulator.calls.since(method="sendMessage")] == ["refused", "ok"]


async def test_refused_entities_of_an_edit_are_left_out_at_once(at):
    await at.adapter.send(delivery("before"))
    at.emulator.api.refuse_entities = 1
    assert await at.adapter.edit(delivery("**after**"), "2") == Delivered("2")
    assert newest(at) == ("**after**", {})


async def test_refused_entities_of_growth_are_left_out_at_once(at):
    await at.adapter.send(delivery("before"))
    at.emulator.api.refuse_entities = 2
    assert await at.adapter.amend(HERE, "2", "**after**", "Reading") == Delivered("2")
    assert newest(at) == ("**after**", {})
    assert await at.adapter.draft(HERE, 1, "**draft**") == Delivered("")
    assert [one.text for one in at.emulator.world.chat(ANN).drafts.values()] == ["**draft**"]


async def test_only_a_refusal_for_the_entities_is_followed(at):
    at.emulator.people.block(ANN)
    assert isinstance(await at.adapter.send(delivery("**bold**")), Rejected)
    assert at.emulator.calls.counts["sendMessage"] == 1


async def test_a_source_that_is_too_long_is_sent_without_its_entities(at):
    """What fits as it is shown may not fit as it was written."""
    source = "**bold words** " * 280
    assert units(source) > 4096
    assert at.adapter.fits(source)
    at.emulator.api.refuse_entities = 1
    assert await at.adapter.send(delivery(source)) == Delivered("2")
    assert newest(at) == (("bold words " * 280).strip(), {})


async def test_what_is_nothing_once_it_is_shown_is_sent_as_it_was_written(at):
    """Telegram takes no empty message."""
    source = "[here]: https://example.org"
    assert await at.adapter.send(delivery(source)) == Delivered("2")
    assert newest(at)[0] == source


async def test_progress_is_not_swallowed_by_an_open_block(at):
    await at.adapter.send(delivery("before"))
    await at.adapter.amend(HERE, "2", "look:\n\n```python\nprint(", "*Reading* notes")
    text, marks = newest(at)
    assert text.endswith("print(\n\nReading notes")
    assert marks["Reading"] == "italic"
    assert "pre" in marks.values()


async def test_progress_may_come_before_the_words(at):
    await at.adapter.send(delivery("..."))
    assert await at.adapter.amend(HERE, "2", "", "Reading notes") == Delivered("2")
    assert newest(at)[0] == "Reading notes"


# Drafts


@pytest.mark.parametrize("chat", ["-100123", "-5", "@channel"])
def test_groups_have_no_drafts(at, chat):
    assert at.adapter.drafts(HERE)
    assert not at.adapter.drafts(Route(ACCOUNT, chat))


async def test_a_draft_has_a_number_and_a_topic(at):
    topic = at.emulator.world.add_topic(ANN)
    assert await at.adapter.draft(Route(ACCOUNT, str(ANN), str(topic)), 7, "**so** far") == Delivered("")
    ((key, shown),) = at.emulator.world.chat(ANN).drafts.items()
    assert key == (topic, 7)
    assert (shown.text, [one["type"] for one in shown.entities]) == ("so far", ["bold"])


async def test_an_older_server_knows_no_drafts():
    async with setting(lacks=("sendMessageDraft",)) as at:
        assert at.adapter.drafts(HERE)
        assert isinstance(await at.adapter.draft(HERE, 1, "so far"), Rejected)
        assert not at.adapter.drafts(HERE)


async def test_a_chat_that_takes_no_drafts_is_remembered(at):
    """One that has a private chat's id and is none, as far as Telegram is concerned."""
    odd = Route(ACCOUNT, str(at.emulator.world.add_group(chat_id=5005).id))
    assert isinstance(await at.adapter.draft(odd, 1, "so far"), Rejected)
    assert not at.adapter.drafts(odd)
    assert at.adapter.drafts(HERE)


async def test_a_draft_gives_way_to_messages():
    async with setting(rate_limits="platform") as at:
        for _ in range(3):
            await at.adapter.pace(HERE)
        assert not isinstance(await at.adapter.draft(HERE, 1, "so far"), Delivered)
        assert "sendMessageDraft" not in at.emulator.calls.counts
