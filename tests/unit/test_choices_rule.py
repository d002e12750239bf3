"""What a person means who names one of several choices."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.choices import Choice
from gateway.rules.choosing import pick

CHOICES = (
    Choice("plan", "Plan Mode"),
    Choice("acceptEdits", "Accept Edits"),
    Choice("planner", "Somebody Else"),
    Choice("PLAN-B", "plan b"),
)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("plan", ["plan"]),
        ("PLAN", ["plan"]),
        ("plan   mode", ["plan"]),
        ("acceptedits", ["acceptEdits"]),
        ("acc", ["acceptEdits"]),
        ("Accept E", ["acceptEdits"]),
        ("some", ["planner"]),
        ("pla", ["plan", "planner", "PLAN-B"]),
        ("plann", ["planner"]),
        ("Plan B", ["PLAN-B"]),
        ("edits", []),
        ("planning", []),
        ("  ", []),
        ("", []),
    ],
)
def test_who_is_meant(word, meant):
    assert [choice.id for choice in pick(CHOICES, word)] == meant


def test_an_id_as_it_is_comes_before_one_in_another_case():
    twins = (Choice("large", "Large"), Choice("LARGE", "larger"))
    assert pick(twins, "LARGE") == (twins[1],)
    assert pick(twins, "Large") == twins


@given(st.lists(st.builds(Choice, st.text(max_size=4), st.text(max_size=4)), max_size=5), st.text(max_size=4))
def test_only_what_is_offered_is_meant_and_an_id_finds_itself(choices, word):
    assert set(pick(choices, word)) <= set(choices)
    for choice in choices:
        if choice.id.strip():
            assert choice in pick(choices, choice.id)
