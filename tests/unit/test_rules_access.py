"""Who may talk to the bot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.grant import Grant, Role
from gateway.rules.access import AccessPolicy, is_admin, permits, with_grants


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


def grant(account, person, role=Role.USER):
    return Grant(account, person, "Eve", role, "operator", 1.0)


@given(st.text(min_size=1), st.text(min_size=1), st.sampled_from(Role))
def test_a_grant_is_for_one_person_whatever_the_id_is_made_of(named, person, role):
    policy = with_grants(AccessPolicy(), [grant("telegram", named, role)])
    assert permits(policy, "telegram", person) == (named == person)
    assert is_admin(policy, "telegram", person) == (named == person and role is Role.ADMIN)
    assert not permits(policy, "slack", named)


def test_grants_are_beside_the_config_and_take_each_others_place():
    configured = AccessPolicy(allow=("telegram:1",), admins=("telegram:2",), pairing=True)
    granted = with_grants(configured, [grant("telegram", "3", Role.ADMIN)])
    assert [permits(granted, "telegram", one) for one in "1234"] == [True, True, True, False]
    assert [is_admin(granted, "telegram", one) for one in "1234"] == [False, True, True, False]
    assert granted.pairing
    assert with_grants(granted, []) == configured
