"""Modes, options and commands: kept as told, set after each new and load, refused in words."""

import asyncio
import json
from pathlib import Path

import pytest

from gateway.model.agent import Ended, OpenFailed
from gateway.model.choices import AgentCommand, AgentOffer, Choice, OptionOffer, Settings
from gateway.model.session import ResumeMode
from tests.contract.agents import BOUND, Chat, becomes, killed, odd_chat, processes

MODES = (Choice("careful", "Careful"), Choice("bold", "Bold"))
MODEL = OptionOffer(
    "model", "Model", "model", "small", (Choice("small", "Small one"), Choice("large", "Large one"))
)
WEB = OptionOffer("web", "Search the web", "", "off", (Choice("on", "on"), Choice("off", "off")))
THINK = OptionOffer("think", "Think", "", "off", (Choice("off", "Off"), Choice("on", "On")))
COMMANDS = (AgentCommand("plan", "make a plan"), AgentCommand("web", "search"))
NO_BOLD = "The agent odd does not take the mode bold: Invalid params: there is no mode bold."
NOT_HUGE = "The agent odd does not take huge as its model: Invalid params: huge is not offered."


def current(chat: Chat) -> tuple[str, dict[str, str]]:
    """The current mode, and the options with their current values."""
    offer = chat.pool.offer(1)
    assert offer is not None
    return offer.mode, {option.id: option.current for option in offer.options}


async def told(chat: Chat) -> list[object]:
    """What the agent was set to, in this order, by its own account."""
    return json.loads(await chat.ask("what was set?"))


async def test_offer_of_a_new_session_and_of_a_loaded_one(tmp_path: Path) -> None:
    offer = AgentOffer("careful", MODES, (MODEL, WEB, THINK), COMMANDS)
    async with odd_chat(tmp_path, "offers") as chat:
        assert chat.pool.offer(1) is None
        await chat.open()
        assert chat.pool.offer(1) == offer  # with the commands that were told before its id was
        await killed(processes(chat.pool)[0])
        await becomes(lambda: chat.pool.offer(1) is None, "the end is known")
        assert (await chat.open()).mode is ResumeMode.NATIVE
        loaded = chat.pool.offer(1)
        assert loaded is not None
        assert (loaded.modes, loaded.options) == (offer.modes, offer.options)


async def test_changes_between_turns_are_kept(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "offers_between_turns") as chat:
        assert await chat.ask("hello") == "hello"
        assert await chat.pool.set_mode(1, "bold") == ""
        changed = AgentOffer(
            "tired",
            MODES,
            (OptionOffer("model", "Model", "model", "large", MODEL.choices),),
            (COMMANDS[0],),
        )
        await becomes(lambda: chat.pool.offer(1) == changed, "all that changed")
        assert await chat.ask("hello again") == "hello again"
        assert chat.pool.offer(1) == changed


async def test_person_changes_settings_of_a_held_conversation(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "offers") as chat:
        not_at_work = "The agent is not at work here at the moment."
        assert await chat.pool.set_mode(1, "bold") == not_at_work
        assert await chat.pool.set_option(1, "model", "large") == not_at_work
        await chat.open()
        assert await chat.pool.set_mode(1, "bold") == ""
        assert await chat.pool.set_option(1, "model", "large") == ""
        assert await chat.pool.set_option(1, "web", "on") == ""
        assert await chat.pool.set_option(1, "think", "on") == ""
        assert current(chat) == ("bold", {"model": "large", "web": "on", "think": "on"})
        assert await chat.pool.set_option(1, "style", "terse") == (
            "The agent odd does not take terse as its style: Invalid params: terse is not offered."
        )
        # True and false are for an option that is on or off, whatever another one's values are called.
        assert await told(chat) == [["mode", "bold"], ["model", "large"], ["web", True], ["think", "on"]]


async def test_settings_are_applied_to_new_and_loaded_sessions(tmp_path: Path) -> None:
    demanded = {"mode": "bold", "options": {"model": "large"}}
    async with odd_chat(tmp_path, "offers", **demanded) as chat:
        chat.settings = Settings(None, (("web", "on"),))
        assert (await chat.open()).refused == ()
        assert await told(chat) == [["model", "large"], ["web", True], ["mode", "bold"]]
        await killed(processes(chat.pool)[0])
        chat.settings = Settings("careful", (("model", "small"), ("web", "off")))
        chat.ended_turns = 0  # it replays none
        assert (await chat.open()).mode is ResumeMode.NATIVE
        # What a person chose goes before what the config says.
        assert await told(chat) == [["model", "small"], ["web", False], ["mode", "careful"]]
        assert current(chat) == ("careful", {"model": "small", "web": "off", "think": "off"})


async def test_wish_from_before_the_start_is_said_in_the_words_of_the_agent(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "offers") as chat:
        chat.settings = Settings("BO", (("model", "LARGE"),))
        assert (await chat.open()).refused == ()
        assert await told(chat) == [["model", "large"], ["mode", "bold"]]


@pytest.mark.parametrize(("demanded", "message"), [
    ({"mode": "bold"}, f"{NO_BOLD} It is demanded by agents.odd.mode."),
    ({"options": {"model": "huge"}}, f"{NOT_HUGE} It is demanded by agents.odd.options."),
])  # fmt: skip
@pytest.mark.parametrize("known", [False, True])
async def test_demand_of_the_config_that_is_refused_opens_nothing(
    tmp_path: Path, demanded: dict[str, object], message: str, known: bool
) -> None:
    async with odd_chat(tmp_path, "refuses_settings", **demanded) as chat:
        if known:  # and is no reason to start anew with a transcript
            chat.remember().ended_turns = 0
        assert await chat.try_open() == OpenFailed(message, message)
        assert not chat.pool.holds(1)
        assert processes(chat.pool) == []


@pytest.mark.parametrize("known", [False, True])
async def test_choice_of_a_person_that_is_refused_is_told(tmp_path: Path, known: bool) -> None:
    async with odd_chat(tmp_path, "refuses_settings", mode="careful") as chat:
        chat.settings = Settings("bold", (("model", "huge"),))
        if known:
            chat.remember().ended_turns = 0
        opened = await chat.open()
        assert opened.mode is (ResumeMode.NATIVE if known else ResumeMode.FRESH)
        assert opened.refused == (NOT_HUGE, NO_BOLD)
        assert opened.wishes == Settings()  # it is not wished for with every new start
        assert await told(chat) == [["mode", "careful"]]  # as the config says


async def test_setting_that_is_never_answered_fails_in_words(tmp_path: Path) -> None:
    limits = {"start_timeout": 2.0, "options": {"model": "large"}}
    async with odd_chat(tmp_path, "hangs_at_settings", **limits) as chat:
        async with asyncio.timeout(BOUND):
            failed = await chat.try_open()
        assert isinstance(failed, OpenFailed)
        assert failed.message == "The agent odd stopped answering while it was opening this conversation."
        assert failed.detail.endswith("was not answered in time")
        assert processes(chat.pool) == []


async def test_setting_of_a_person_that_is_never_answered_ends_the_wait(tmp_path: Path) -> None:
    async with odd_chat(tmp_path, "hangs_at_settings", start_timeout=2.0) as chat:
        await chat.open()
        async with asyncio.timeout(BOUND):
            assert await chat.pool.set_option(1, "model", "large") != ""
        assert await chat.prompt("hello") == Ended("end_turn")
