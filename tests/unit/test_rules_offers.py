"""The words of permissions: short, on one line where they should be, and nobody is fooled by them."""

import pytest

from gateway.model.address import ChatKind
from gateway.model.agent import ToolUpdate
from gateway.model.message import Origin
from gateway.model.permission import ApprovalState, OptionKind, PermissionOption, PermissionRequest
from gateway.rules.offers import (
    LABEL_LENGTH,
    MOST_OPTIONS,
    question_buttons,
    question_text,
    restarted_text,
    settled_text,
)

ONCE = PermissionOption("a", "Allow", OptionKind.ALLOW_ONCE)
ANN = Origin(ChatKind.DIRECT, "1001", "Ann")
TIGHTEST = 2000 - 80
"""Characters of one message on the platform that takes the least, with a label before them."""


def request(title="dig", kind="execute", text="", options=(ONCE,)):
    return PermissionRequest(ToolUpdate("c", title, kind, text=text), options)


@pytest.mark.parametrize(
    ("kind", "doing"),
    [
        ("read", "read a file"),
        ("edit", "change files"),
        ("delete", "delete something"),
        ("move", "move something"),
        ("search", "search"),
        ("execute", "run a command"),
        ("fetch", "fetch something from a network"),
        ("switch_mode", "change how it works"),
        ("think", "use a tool"),
        ("other", "use a tool"),
        ("", "use a tool"),
        ("invented", "use a tool"),
    ],
)
def test_the_kind_in_plain_words(kind, doing):
    assert question_text("demo", request(kind=kind)) == f"demo asks for permission to {doing}: dig"
    assert question_text("", request("", kind)) == f"The agent asks for permission to {doing}."
    assert settled_text(request("", kind), ApprovalState.VOID, None) == f"No longer open: {doing}"


def test_the_tools_own_text_follows_and_keeps_its_lines():
    text = "\n  - one  \n\tand more\n\n"
    asked = question_text("demo", request(text=text))
    assert asked == "demo asks for permission to run a command: dig\n\n  - one\n and more"


@pytest.mark.parametrize("text", ["", "\n \n", "\x00"])
def test_an_empty_text_adds_nothing(text):
    assert "\n" not in question_text("demo", request(text=text))


def test_everything_is_bounded():
    long = request("t" * 5_000, text="x" * 5_000, options=(PermissionOption("a", "n" * 500, ONCE.kind),))
    assert len(question_text("demo", long)) < TIGHTEST
    assert question_text("demo", long).count("x") == 1_499
    assert question_text("demo", long).endswith("x…")
    (button,) = question_buttons(7, long)
    assert button.label == "n" * (LABEL_LENGTH - 1) + "…"
    by = Origin(ChatKind.DIRECT, "1001", "A" * 500)
    for state in ApprovalState:
        assert len(settled_text(long, state, by)) < 350
    assert len(restarted_text(long)) < 350


@pytest.mark.parametrize("sign", ["\n", "\r", "\t", "\x00", "\u202e", "\u2066", "\u200b", "\ud800", "\u2028"])
def test_a_title_is_one_line_that_reads_as_it_is_written(sign):
    title = f"rm{sign}-rf"
    sayings = [
        question_text("demo", request(title)),
        restarted_text(request(title)),
        *(settled_text(request(title), state, ANN) for state in ApprovalState),
    ]
    for said in sayings:
        assert said.endswith(": rm -rf")
    assert sign == "\n" or sign not in question_text("demo", request(text=title))
    named = request(options=(PermissionOption("a", title, ONCE.kind),))
    assert question_buttons(1, named)[0].label == "rm -rf"
    by = Origin(ChatKind.DIRECT, "1001", f"An{sign}n: dug")
    assert settled_text(request(), ApprovalState.ALLOWED, by) == "Allowed by An n: dug: dig"


def test_a_button_for_each_option_in_the_order_of_the_agent():
    options = tuple(PermissionOption(str(n), name, kind) for n, (name, kind) in enumerate(NAMED))
    buttons = question_buttons(12, request(options=options))
    assert [button.label for button in buttons] == [label for _, label in EXPECTED]
    assert [button.data for button in buttons] == [f"may:12:{n}" for n in range(len(NAMED))]


EXPECTED = [
    (("", OptionKind.ALLOW_ONCE), "Allow"),
    ((" ", OptionKind.ALLOW_ALWAYS), "Always allow"),
    (("\n", OptionKind.REJECT_ONCE), "Refuse"),
    (("", OptionKind.REJECT_ALWAYS), "Always refuse"),
    (("Yes, go on", OptionKind.ALLOW_ONCE), "Yes, go on"),
]
NAMED = [given for given, _ in EXPECTED]


def test_data_fits_every_platform_and_so_does_the_number_of_buttons():
    many = tuple(PermissionOption(str(n), "x", OptionKind.ALLOW_ONCE) for n in range(100))
    buttons = question_buttons(2**63 - 1, request(options=many))
    assert len(buttons) == MOST_OPTIONS <= 25
    assert all(len(button.data.encode()) <= 64 for button in buttons)


@pytest.mark.parametrize("state", [ApprovalState.ALLOWED, ApprovalState.REFUSED])
@pytest.mark.parametrize("lasts", [False, True])
def test_who_decided_and_what(state, lasts):
    said = settled_text(request(), state, ANN, lasts=lasts)
    assert said == f"{f'Always {state}' if lasts else state.capitalize()} by Ann: dig"


def test_who_has_no_name_has_an_id():
    nameless = Origin(ChatKind.DIRECT, "1001", " ")
    assert settled_text(request(), ApprovalState.ALLOWED, nameless) == "Allowed by 1001: dig"
    assert settled_text(request(), ApprovalState.ALLOWED, None) == "Allowed: dig"
