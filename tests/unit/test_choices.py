"""`/agent`, `/mode` and `/model`: on a real ledger, with agents that offer what a test says."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from gateway.engine.access import Access, AccessParts
from gateway.engine.choices import MOST_COMMANDS, MOST_LISTED, ChoiceParts, Choices, set_meanwhile
from gateway.engine.lanes import Lanes, Next
from gateway.engine.outbox import OnUnknown, Outbox
from gateway.model.agent import OpenRequest
from gateway.model.choices import AgentCommand, AgentOffer, Choice, Chosen, OptionOffer, Settings
from gateway.model.message import MessageKind
from gateway.model.session import ResumeMode, Session
from gateway.rules.access import AccessPolicy
from tests.helpers.clock import ManualClock
from tests.helpers.fakes import ScriptedAgents
from tests.helpers.groups import killed_group
from tests.helpers.ledgers import Ledger, opened

MODES = (Choice("echo", "Echo"), Choice("shout", "Shout"), Choice("sharp", "Sharp Tongue"))
MODELS = OptionOffer("llm", "Model", "model", "s-1", (Choice("s-1", "Small"), Choice("l-1", "Large")))
EFFORT = OptionOffer(
    "effort", "Effort", "thought_level", "low", (Choice("low", "Low"), Choice("high", "High"))
)
OFFER = AgentOffer("echo", MODES, (EFFORT, MODELS))


class Leaving(ScriptedAgents):
    """Agents whose process ends while they are told something."""

    async def set_option(self, session_id: int, option: str, value: str) -> str:
        await super().set_option(session_id, option, value)
        self._live.discard(session_id)
        return "The agent is not at work."


@dataclass
class Place:
    """One conversation, and what is said in it to the gateway."""

    ledger: Ledger
    agents: ScriptedAgents
    lanes: Lanes
    choices: Choices
    id: int

    async def says(self, command: str, text: str = "") -> str:
        accepted = await self.ledger.say(text, kind=MessageKind.COMMAND, command=command)
        return await self.choices.actions[command](accepted)

    async def session(self) -> Session:
        return await self.ledger.session(self.id)

    async def chosen(self) -> Chosen:
        return (await self.session()).chosen

    @property
    def settings(self) -> list[tuple[str, str]]:
        """What the agent was told to be set to."""
        return [(option, value) for _, option, value in self.agents.settings]

    async def answered_by(self, agent: str) -> None:
        """An agent begins to answer here, and its process holds the conversation."""
        start = await self.ledger.begin(self.id)
        await self.ledger.store.record_opening(start.turn_id, agent, "a-1", "/w", ResumeMode.FRESH, "")
        await self.ledger.end(start.turn_id)
        await self.start(agent)

    async def start(self, agent: str = "demo") -> None:
        await self.agents.open(OpenRequest(self.id, agent, None, None, 0, _nothing))


async def _nothing():
    return ()


@asynccontextmanager
async def place(
    folder,
    offer: AgentOffer = OFFER,
    agents: ScriptedAgents | None = None,
    reserved: frozenset[str] = frozenset(),
    admins: tuple[str, ...] = (),
) -> AsyncGenerator[Place]:
    """A conversation in which something waits to be answered, and what is offered once an agent holds it."""
    async with opened("sqlite", folder) as ledger, killed_group() as group:
        endless = asyncio.Event()

        async def work(_session_id: int) -> Next:
            await endless.wait()
            return Next.IDLE

        agents, lanes = agents or ScriptedAgents(), Lanes(group, work, 4)
        clock = ManualClock()
        outbox = Outbox(ledger.store, {}, clock, group, OnUnknown.LABEL)
        policy = AccessPolicy(open_to_all=True, admins=admins)
        access = Access(AccessParts(ledger.store, outbox, clock), policy)
        parts = ChoiceParts(ledger.store, lanes, agents, clock, access)
        names = {"claude": frozenset[str](), "codex": frozenset[str](), "demo": reserved}
        choices = Choices(parts, names, "demo")
        said = await ledger.say("hello")
        agents.offers[said.session_id] = offer
        yield Place(ledger, agents, lanes, choices, said.session_id)


# /agent


async def test_the_agents_are_listed_and_the_one_that_answers_is_marked(tmp_path):
    async with place(tmp_path) as it:
        assert await it.says("agent") == (
            "Agents; choose one with /agent NAME:\n- claude\n- codex\n- demo (answers here)"
        )
        await it.says("agent", "claude")
        assert "- claude (answers here)\n- codex\n- demo" in await it.says("agent")


async def test_another_agent_answers_from_the_next_message_on(tmp_path):
    async with place(tmp_path) as it:
        await it.answered_by("demo")
        await it.says("mode", "shout")
        said = await it.says("agent", "CLA")
        assert said == (
            "From the next message on, claude answers here. "
            "It is given a transcript of what was said here so far."
        )
        assert it.agents.forgotten == [it.id]
        assert await it.chosen() == Chosen("claude")
        # Its own settings, chosen before it was at work, are not lost when it is named again.
        await it.says("mode", "plan")
        assert await it.says("agent", "claude") == said
        assert (await it.chosen()).settings.mode == "plan"


async def test_a_first_agent_is_given_no_transcript(tmp_path):
    async with place(tmp_path) as it:
        assert await it.says("agent", "codex") == "From the next message on, codex answers here."


async def test_the_one_that_answers_already(tmp_path):
    async with place(tmp_path) as it:
        for _ in range(2):
            assert await it.says("agent", "demo") == "demo answers here already."
            await it.answered_by("demo")
            await it.ledger.say("and more")
        assert it.agents.forgotten == []
        assert await it.chosen() == Chosen()


async def test_back_to_the_agent_before_anything_was_said_to_the_other(tmp_path):
    async with place(tmp_path) as it:
        await it.answered_by("demo")
        await it.says("agent", "claude")
        assert await it.says("agent", "demo") == "From the next message on, demo answers here."
        assert await it.chosen() == Chosen("demo")


@pytest.mark.parametrize(
    ("name", "told"), [("gemini", "There is no agent gemini here."), ("c", "c could be any of these:")]
)
async def test_an_agent_that_there_is_not(tmp_path, name, told):
    async with place(tmp_path) as it:
        said = await it.says("agent", name)
        assert told in said
        assert "- claude\n- codex" in said
        assert await it.chosen() == Chosen()
        assert it.agents.forgotten == []


async def test_a_turn_that_runs_is_left_to_its_agent(tmp_path):
    async with place(tmp_path) as it:
        await it.answered_by("demo")
        it.lanes.wake(it.id)
        said = await it.says("agent", "claude")
        assert said.endswith("What is being worked on now is finished first.")
        assert it.agents.forgotten == []
        assert await it.chosen() == Chosen("claude")
        # What its process offers is nothing of the next one's.
        assert "once it is at work here" in await it.says("mode")
        await it.says("mode", "plan")
        assert it.settings == []


async def test_an_agent_that_is_not_configured_any_more(tmp_path):
    async with place(tmp_path) as it:
        await it.ledger.store.choose(it.id, Chosen("gone"))
        assert "gone, which was chosen here, is not in the config any more." in await it.says("agent")


async def test_two_choices_at_once_happen_in_their_order(tmp_path):
    async with place(tmp_path) as it:
        await it.answered_by("demo")
        await asyncio.gather(it.says("agent", "claude"), it.says("agent", "demo"))
        assert await it.chosen() == Chosen("demo")


# /mode and /model


async def test_modes_are_listed_and_set_while_a_process_holds_the_conversation(tmp_path):
    async with place(tmp_path) as it:
        await it.answered_by("demo")
        assert await it.says("mode") == (
            "The mode is Echo. Choose one with /mode NAME:\n- echo (current)\n- shout\n- sharp: Sharp Tongue"
        )
        assert await it.says("mode", "SHARP tongue") == "The mode is Sharp Tongue now."
        assert it.settings == [("mode", "sharp")]
        assert await it.chosen() == Chosen(None, Settings("sharp"))
        it.agents.offers[it.id] = replace(OFFER, mode="sharp")
        assert "- sharp: Sharp Tongue (current)" in await it.says("mode")


async def test_the_model_is_the_option_of_that_category_and_others_are_left_alone(tmp_path):
    async with place(tmp_path) as it:
        kept = Settings(None, (("effort", "high"), ("model", "what I wished")))
        await it.ledger.store.choose(it.id, Chosen(None, kept))
        await it.answered_by("demo")
        assert "- s-1: Small (current)\n- l-1: Large" in await it.says("model")
        assert await it.says("model", "lar") == "The model is Large now."
        assert it.settings == [("llm", "l-1")]
        assert (await it.chosen()).settings == Settings(None, (("effort", "high"), ("llm", "l-1")))


async def test_the_model_is_the_option_of_that_id(tmp_path):
    plain = replace(MODELS, id="model", category="")
    async with place(tmp_path, AgentOffer(options=(EFFORT, plain))) as it:
        await it.answered_by("demo")
        await it.says("model", "l-1")
        assert (await it.chosen()).settings.options == (("model", "l-1"),)
        assert await it.says("mode") == "The agent demo has no modes to choose from."
        assert await it.says("mode", "shout") == "The agent demo has no modes to choose from."
        assert (await it.chosen()).settings.mode is None


async def test_modes_that_are_a_config_option(tmp_path):
    modes = OptionOffer("approval", "Mode", "mode", "echo", MODES)
    async with place(tmp_path, AgentOffer(options=(modes,))) as it:
        await it.answered_by("demo")
        assert await it.says("mode", "shout") == "The mode is Shout now."
        assert it.settings == [("approval", "shout")]


@pytest.mark.parametrize("admin", [False, True])
async def test_what_the_config_decides_about_is_chosen_by_administrators_only(tmp_path, admin):
    admins = ("telegram:1001",) if admin else ("telegram:7",)
    async with place(tmp_path, reserved=frozenset({"mode"}), admins=admins) as it:
        await it.start()
        told = await it.says("mode", OFFER.modes[-1].id)
        assert bool(it.settings) is admin, told
        assert ("Only administrators" in told) is not admin
        assert (await it.chosen() != Chosen()) is admin
        looked = await it.says("mode")  # anybody may
        assert ("Choose one with /mode NAME:" in looked) is admin
        assert ("An administrator chooses it, from these:" in looked) is not admin
        assert "- shout" in looked
        assert "Only administrators" not in await it.says("model", OFFER.options[0].choices[-1].id)


async def test_an_agent_without_anything_to_choose(tmp_path):
    async with place(tmp_path, AgentOffer(options=(EFFORT,))) as it:
        await it.answered_by("demo")
        for command in ("mode", "model"):
            said = await it.says(command, "x")
            assert said == "The agent demo has neither modes nor models to choose from."
        assert await it.chosen() == Chosen()


@pytest.mark.parametrize(
    ("name", "told"), [("whisper", "There is no mode whisper here."), ("sh", "sh could be any of these:")]
)
async def test_a_mode_that_there_is_not(tmp_path, name, told):
    async with place(tmp_path) as it:
        await it.answered_by("demo")
        said = await it.says("mode", name)
        assert told in said
        assert "- shout\n- sharp: Sharp Tongue" in said
        assert (await it.chosen(), it.settings) == (Chosen(), [])


async def test_what_the_agent_refuses_is_not_kept(tmp_path):
    async with place(tmp_path) as it:
        await it.answered_by("demo")
        it.agents.refusals.extend(["The agent says \ud83d no."] * 2)
        assert await it.says("mode", "shout") == "The agent says \ufffd no."
        assert await it.says("model", "large") == "The agent says \ufffd no."
        assert await it.chosen() == Chosen()


async def test_a_wish_is_kept_until_the_agent_starts(tmp_path):
    async with place(tmp_path) as it:
        assert await it.says("mode") == (
            "The agent tells its modes once it is at work here: send it something first."
        )
        assert await it.says("mode", "shout") == "Kept: the mode is set to shout when the agent starts here."
        assert (
            await it.says("model", "large") == "Kept: the model is set to large when the agent starts here."
        )
        assert await it.chosen() == Chosen(None, Settings("shout", (("model", "large"),)))
        assert it.settings == []
        assert "When it starts, its model is set to large." in await it.says("model")


async def test_an_agent_that_goes_away_while_it_is_told_refused_nothing(tmp_path):
    async with place(tmp_path, agents=Leaving()) as it:
        await it.answered_by("demo")
        assert await it.says("mode", "sharp") == (
            "Kept: the mode is set to Sharp Tongue when the agent starts here."
        )
        assert (await it.chosen()).settings.mode == "sharp"


@pytest.mark.parametrize(
    ("refusal", "name", "told", "kept"),
    [
        ("", "Shout", "The mode is Shout now.", "shout"),
        ("Not now.", "Shout", "Not now.", "echo"),
        ("", "whisper", "There is no mode whisper here.", "echo"),
    ],
)
async def test_an_agent_that_starts_while_a_wish_is_kept_judges_it(tmp_path, refusal, name, told, kept):
    async with place(tmp_path) as it:
        await it.ledger.store.choose(it.id, Chosen(None, Settings("echo")))
        it.agents.refusals.append(refusal)
        store, choose = it.ledger.store, it.ledger.store.choose

        async def starting(session_id: int, chosen: Chosen) -> None:
            await it.start()
            await choose(session_id, chosen)

        store.choose = starting
        assert told in await it.says("mode", name)
        assert (await it.chosen()).settings.mode == kept


async def test_what_is_chosen_while_an_agent_starts_is_set_once_it_has(tmp_path):
    async with place(tmp_path) as it:
        first = Settings("echo", (("effort", "low"), ("llm", "s-1")))
        await it.ledger.store.choose(it.id, Chosen(None, first))
        before = await it.session()
        await it.start()
        store, agents = it.ledger.store, it.agents
        assert await set_meanwhile(store, agents, before) == ()
        assert it.settings == []

        await store.choose(it.id, Chosen(None, Settings("shout", (("effort", "low"), ("llm", "l-1")))))
        assert await set_meanwhile(store, agents, before) == ()
        assert it.settings == [("llm", "l-1"), ("mode", "shout")]
        agents.refusals.extend(["No.", "No."])
        assert await set_meanwhile(store, agents, before) == ("No.", "No.")
        # Another agent's settings are nothing for this one.
        await store.choose(it.id, Chosen("claude", Settings("shout")))
        assert await set_meanwhile(store, agents, before) == ()


async def test_long_lists_are_cut_and_say_so(tmp_path):
    many = tuple(Choice(f"m{number}", f"M{number}") for number in range(MOST_LISTED + 7))
    async with place(tmp_path, AgentOffer("m46", many)) as it:
        await it.answered_by("demo")
        lines = (await it.says("mode")).splitlines()
        assert lines[0].startswith("The mode is M46.")
        assert len(lines) == MOST_LISTED + 2
        assert lines[-1] == "and 7 more, found by the beginning of their names."


async def test_words_from_outside_stay_short_and_in_their_line(tmp_path):
    odd = AgentOffer("x", (Choice("x", "An\nodd\0\u202e name"), Choice("y" * 500, "y")))
    async with place(tmp_path, odd) as it:
        await it.answered_by("demo")
        lines = (await it.says("mode", "zz\n" + "z" * 500)).splitlines()
        assert len(lines) == 3
        assert lines[1] == "- x: An odd name (current)"
        assert all(len(line) < 160 for line in lines)


# /status and /help


async def test_the_status_names_agent_mode_and_model(tmp_path):
    async with place(tmp_path) as it:
        assert it.choices.status(await it.session()) == ["Agent: demo."]
        await it.says("mode", "shout")
        assert it.choices.status(await it.session()) == [
            "Agent: demo.",
            "Mode: shout, when the agent starts.",
        ]
        await it.answered_by("demo")
        assert it.choices.status(await it.session()) == [
            "Agent: demo; when it last began, it had nothing to go on with.",
            "Mode: Echo.",
            "Model: Small.",
        ]
        await it.says("agent", "claude")
        assert it.choices.status(await it.session()) == [
            "Agent: claude, which has not begun here yet; demo answered until now."
        ]


async def test_the_commands_of_the_agent_are_listed_without_those_of_the_gateway(tmp_path):
    count = (AgentCommand("count", "counts\nwords"), AgentCommand("Help", "helps"), AgentCommand("mute", ""))
    async with place(tmp_path, AgentOffer(commands=count)) as it:
        (hint,) = it.choices.commands(await it.session(), frozenset())
        assert "while it is at work" in hint
        await it.answered_by("demo")
        assert it.choices.commands(await it.session(), frozenset({"help"})) == [
            "Commands of the agent demo:",
            "/count: counts words",
            "/mute",
        ]
        it.agents.offers[it.id] = AgentOffer()
        assert it.choices.commands(await it.session(), frozenset()) == []
        more = tuple(AgentCommand(f"c{number}", "d") for number in range(MOST_COMMANDS + 3))
        it.agents.offers[it.id] = AgentOffer(commands=more)
        lines = it.choices.commands(await it.session(), frozenset())
        assert (len(lines), lines[-1]) == (MOST_COMMANDS + 2, "and 3 more.")
