"""Who may talk to the bot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.access import AccessPolicy, is_admin, permits


@pytest.mark.parametrize(
    ("patterns", "account", "person", "allowed"),
    [
        ((), "telegram", "1", False),
        (("telegram:1",), "telegram", "1", True),
        (("telegram:1",), "telegram", "12", False),
        (("telegram:1",), "slack", "1", False),
        (("telegram:12*",), "telegram", "123", True),
        (("telegram:*",), "telegram", "anybody", True),
        (("telegram:*",), "telegram2", "1", False),
        (("*",), "whatever", "1", True),
        (("TELEGRAM:1",), "telegram", "1", False),
        (("slack:U1", "telegram:2"), "telegram", "2", True),
    ],
)
def test_patterns(patterns, account, person, allowed):
    assert permits(AccessPolicy(allow=patterns), account, person) == allowed
    assert permits(AccessPolicy(admins=patterns), account, person) == allowed
    assert is_admin(AccessPolicy(admins=patterns), account, person) == allowed
    assert not is_admin(AccessPolicy(allow=patterns, open_to_all=True), account, person)


@given(st.text(min_size=1), st.text(min_size=1))
def test_by_default_nobody_is_let_in(account, person):
    assert not permits(AccessPolicy(), account, person)
    assert permits(AccessPolicy(open_to_all=True), account, person)


@given(st.text(st.characters(exclude_characters="*?["), min_size=1), st.text(min_size=1))
def test_a_name_without_a_star_is_one_person(named, person):
    assert permits(AccessPolicy(allow=(f"telegram:{named}",)), "telegram", person) == (named == person)
