"""What agents offer, translated: bounded, on one line each, and never more than people can be shown."""

from acp import schema

from gateway.agents.offers import (
    MOST,
    CommandsChanged,
    ModeChanged,
    OptionsChanged,
    changed,
    commands_of,
    offered,
    options_of,
)
from gateway.model.choices import AgentCommand, AgentOffer, Choice, OptionOffer


def answer(**more: object) -> schema.NewSessionResponse:
    return schema.NewSessionResponse.model_validate({"sessionId": "s1", **more})


def select(options: list[object], **more: object) -> dict[str, object]:
    return {"type": "select", "id": "model", "name": "Model", "currentValue": "a", "options": options, **more}


def only(given: dict[str, object]) -> OptionOffer:
    (option,) = offered(answer(configOptions=[given])).options
    return option


def test_nothing_is_offered_by_an_agent_that_says_nothing() -> None:
    assert offered(answer()) == AgentOffer()


def test_modes_and_the_current_one() -> None:
    modes = [
        {"id": "ask", "name": "Ask\nfirst"},
        {"id": "go", "name": "   "},
        {"id": "long", "name": "x" * 99},
    ]
    offer = offered(answer(modes={"currentModeId": "ask", "availableModes": modes}))
    assert offer.mode == "ask"
    assert offer.modes[:2] == (Choice("ask", "Ask first"), Choice("go", "go"))
    assert len(offer.modes[2].name) == 80


def test_values_in_groups_are_one_list() -> None:
    a, b = {"value": "a", "name": "A"}, {"value": "b", "name": "B"}
    plain = only(select([a, b], category="model"))
    assert plain == OptionOffer("model", "Model", "model", "a", (Choice("a", "A"), Choice("b", "B")))
    groups = [{"group": "1", "name": "One", "options": [a]}, {"group": "2", "name": "Two", "options": [b]}]
    assert only(select(groups, category="model")) == plain


def test_option_that_is_on_or_off() -> None:
    choices = (Choice("on", "on"), Choice("off", "off"))
    for current, word in ((True, "on"), (False, "off")):
        given = {"type": "boolean", "id": "web", "name": "Web", "currentValue": current}
        assert only(given) == OptionOffer("web", "Web", "", word, choices)


def test_options_of_kinds_that_nobody_knows_are_left_out() -> None:
    odd = {"type": "slider", "id": "heat", "name": "Heat", "currentValue": 0.5}
    assert only_ids(answer(configOptions=[odd, select([]), {"type": "select"}, 42])) == ["model"]


def only_ids(given: schema.NewSessionResponse) -> list[str]:
    return [option.id for option in offered(given).options]


def test_an_agent_that_offers_too_much_is_cut_short() -> None:
    many = [{"value": str(n), "name": f"model {n}"} for n in range(MOST + 1)]
    assert len(only(select(many)).choices) == MOST
    options = [select([], id=str(n)) for n in range(MOST + 1)]
    assert len(options_of(answer(configOptions=options).config_options or ())) == MOST
    commands = [schema.AvailableCommand(name=str(n), description="") for n in range(MOST + 1)]
    assert len(commands_of(commands)) == MOST


def test_commands_have_no_slash_and_one_line() -> None:
    given = [("/plan", "make\na  plan"), ("web", "y" * 500), ("/", "nothing"), ("//twice", "")]
    commands = commands_of([schema.AvailableCommand(name=name, description=text) for name, text in given])
    assert commands[0] == AgentCommand("plan", "make a plan")
    assert len(commands[1].description) == 160
    assert [command.name for command in commands] == ["plan", "web", "twice"]


def test_a_change_leaves_the_rest_as_it_was() -> None:
    option = OptionOffer("model", "Model", "", "a", ())
    offer = AgentOffer("ask", (Choice("ask", "Ask"),), (option,), (AgentCommand("plan", ""),))
    assert changed(offer, ModeChanged("go")) == AgentOffer("go", offer.modes, offer.options, offer.commands)
    assert changed(offer, OptionsChanged(())) == AgentOffer("ask", offer.modes, (), offer.commands)
    assert changed(offer, CommandsChanged(())) == AgentOffer("ask", offer.modes, offer.options, ())
