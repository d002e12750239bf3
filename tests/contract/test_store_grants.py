"""Grants and codes in the ledger: what every implementation of the `Store` port promises of them."""

import sqlite3
from dataclasses import replace

import psycopg
import pytest

from gateway.model.address import Address, ChatKind
from gateway.model.delivery import Delivered, DeliveryKind, DeliveryState, Draft, Rejected
from gateway.model.grant import Grant, Role
from gateway.model.message import MessageKind, Origin, Refusal
from gateway.rules import pairing as rules
from gateway.rules.pairing import ALPHABET, CODE_LENGTH, MOST_CODES, VALID_SECONDS
from tests.helpers.ledgers import ACCOUNT, ledger_fixture

ledger = ledger_fixture()

EVE = "1003"


def refusal(event, person=EVE, *, account=ACCOUNT, name="Eve", chat=""):
    address = Address(account, chat or f"dm-{person}", "t")
    return Refusal(event, address, "not allowed", pairing=True, person=person, name=name)


async def ask(ledger, event="e1", person=EVE, **more):
    account = more.get("account", ACCOUNT)
    return await ledger.store.accept(account, [], [refusal(event, person, **more)], {}, ledger.tick())


def grant(ledger, person=EVE, role=Role.USER, account=ACCOUNT):
    return Grant(account, person, "Eve", role, "operator", ledger.tick())


def by(person, kind=ChatKind.DIRECT):
    return Origin(kind, person, f"P{person}")


async def test_a_code_is_given_and_told_where_it_was_asked_for(ledger):
    result = await ask(ledger)
    (given,) = result.pairings
    (told,) = result.owed
    assert len(given.code) == CODE_LENGTH
    assert set(given.code) <= set(ALPHABET)
    assert (given.account, given.person, given.name) == (ACCOUNT, EVE, "Eve")
    assert given.route == told.route == Address(ACCOUNT, "dm-1003", "t").route
    assert given.expires_at == given.created_at + VALID_SECONDS
    assert told.body == rules.code_text(given)
    assert await ledger.store.pairings(ledger.now) == (given,)


async def test_a_batch_that_fails_gives_no_code(ledger):
    with pytest.raises((sqlite3.Error, psycopg.Error)):  # a value that no database takes
        await ledger.store.accept(ACCOUNT, [], [refusal("e1")], {"": object()}, ledger.tick())
    assert await ledger.store.pairings(ledger.now) == ()


async def test_asking_again_repeats_nothing_until_the_code_expires(ledger):
    (first,) = (await ask(ledger)).pairings
    again = await ask(ledger, "e2")
    assert (again.pairings, again.owed) == ((), ())
    ledger.now = first.expires_at - 2
    assert (await ask(ledger, "e3")).pairings == ()
    ledger.now = first.expires_at
    assert await ledger.store.pairings(ledger.now) == ()
    (second,) = (await ask(ledger, "e4")).pairings
    assert second.code != first.code


async def test_codes_of_an_account_are_bounded_and_those_of_others_are_not_theirs(ledger):
    for number in range(MOST_CODES):
        assert (await ask(ledger, f"e{number}", str(number))).pairings
    refused = await ask(ledger, "more", "more")
    assert (refused.pairings, refused.owed) == ((), ())
    assert (await ask(ledger, "e", "more", account="slack")).pairings
    codes = {one.code for one in await ledger.store.pairings(ledger.now)}
    assert len(codes) == MOST_CODES + 1
    assert await ledger.store.refuse_pairing(ACCOUNT, "3", ledger.tick()) == ()
    assert (await ask(ledger, "at last", "more")).pairings


async def test_pairings_are_listed_oldest_first(ledger):
    for person in "312":
        await ask(ledger, f"e{person}", person)
    assert [one.person for one in await ledger.store.pairings(ledger.now)] == ["3", "1", "2"]


async def test_a_grant_uses_the_code_up_and_is_told_once(ledger):
    (given,) = (await ask(ledger)).pairings
    granted = grant(ledger)
    owed = await ledger.store.grant(granted)
    assert await ledger.store.grants() == (granted,)
    assert await ledger.store.pairings(ledger.now) == ()
    told = [one for one in await ledger.store.owed(ACCOUNT) if one.key == rules.welcome_key(granted)]
    assert list(owed) == told
    assert [(one.route, one.body) for one in told] == [(given.route, rules.welcome_text(granted))]
    await ledger.store.grant(granted)
    assert len(await ledger.store.owed(ACCOUNT)) == 2
    assert (await ask(ledger, "late")).pairings == (), "let in already"


async def test_a_grant_without_a_code_is_told_to_nobody(ledger):
    await ledger.store.grant(grant(ledger))
    assert await ledger.store.owed(ACCOUNT) == ()


async def test_a_role_is_changed_by_a_second_grant(ledger):
    first = grant(ledger)
    await ledger.store.grant(first)
    second = replace(first, role=Role.ADMIN, at=ledger.tick(), name="Eve\0", by="telegram:1")
    await ledger.store.grant(second)
    assert await ledger.store.grants() == (replace(second, name="Eve\ufffd"),)


async def test_names_can_be_stored_whatever_they_are(ledger):
    (given,) = (await ask(ledger, name="a\ud83d\0")).pairings
    assert given.name == "a\ufffd\ufffd"
    assert await ledger.store.pairings(ledger.now) == (given,)


async def test_a_refused_code_is_void_and_its_owner_gets_no_other_for_a_day(ledger):
    (given,) = (await ask(ledger)).pairings
    assert await ledger.store.refuse_pairing(ACCOUNT, EVE, ledger.tick()) == ()
    assert await ledger.store.refuse_pairing(ACCOUNT, EVE, ledger.tick()) is None
    assert await ledger.store.refuse_pairing("slack", EVE, ledger.tick()) is None
    assert await ledger.store.pairings(ledger.now) == ()
    ledger.now = given.created_at + rules.REFUSED_SECONDS - 2
    assert (await ask(ledger, "e2")).pairings == ()
    ledger.now += 10
    assert (await ask(ledger, "e3")).pairings


async def test_who_was_refused_may_be_let_in_all_the_same_and_is_told_nothing(ledger):
    await ask(ledger)
    await ledger.store.refuse_pairing(ACCOUNT, EVE, ledger.tick())
    before = len(await ledger.store.owed(ACCOUNT))
    assert await ledger.store.grant(grant(ledger)) == ()
    assert len(await ledger.store.owed(ACCOUNT)) == before


async def test_who_was_cut_off_gets_no_code_for_a_day(ledger):
    """Whether they were let in by a code or not; a person may let them in all the same."""
    await ask(ledger)
    for _ in range(2):
        await ledger.store.grant(grant(ledger))
        cut = ledger.tick()
        assert await ledger.store.revoke(ACCOUNT, EVE, cut)
    assert (await ask(ledger, "e2")).pairings == ()
    assert (await ask(ledger, "e3", account="slack")).pairings, "of another account they are a stranger"
    assert [one.account for one in await ledger.store.pairings(ledger.now)] == ["slack"]
    ledger.now = cut + rules.REFUSED_SECONDS - 2
    assert (await ask(ledger, "e4")).pairings == ()
    ledger.now += 10
    assert (await ask(ledger, "e5")).pairings


async def test_who_was_never_let_in_is_not_kept_from_asking(ledger):
    assert not await ledger.store.revoke(ACCOUNT, EVE, ledger.tick())
    assert (await ask(ledger)).pairings


ADMINS = ("1", "2", "11")


async def told_to_admins(ledger, given):
    """Each administrator is owed a notice of a code, in a session of their own."""
    draft = Draft(DeliveryKind.NOTICE, rules.asks_text(given), buttons=rules.asks_buttons(given))
    found = []
    for admin in ADMINS:
        said = await ledger.say("hi", admin, event=f"{admin} {given.code}", origin=by(admin))
        session = said.session_id
        key = rules.asks_key(given, session)
        found += await ledger.store.notify(session, (draft,), ledger.tick(), key=key)
    return found


async def sent(ledger, delivery):
    assert await ledger.store.claim(delivery.id, ledger.tick())
    await ledger.store.settle(delivery.id, Delivered(f"m{delivery.id}"), ledger.tick())


async def decide(ledger, verdict):
    if verdict == "granted":
        return (await ledger.store.grant(grant(ledger)))[1:]  # without the welcome
    return await ledger.store.refuse_pairing(ACCOUNT, EVE, ledger.tick())


@pytest.mark.parametrize(
    ("verdict", "text"), [("granted", "Eve (1003) was let in."), ("refused", "Eve (1003) was refused.")]
)
async def test_every_notice_says_what_came_of_the_code_and_has_no_buttons(ledger, verdict, text):
    (given,) = (await ask(ledger)).pairings
    notices = await told_to_admins(ledger, given)
    (other,) = (await ask(ledger, "e2", "1004")).pairings
    theirs = await told_to_admins(ledger, other)
    await sent(ledger, notices[0])
    assert await ledger.store.claim(notices[1].id, ledger.tick()), "it is being sent"
    owed = await decide(ledger, verdict)
    assert [(one.edits, one.body, one.buttons) for one in owed] == [(n.id, text, ()) for n in notices[:2]]
    assert [(one.route, one.session_id) for one in owed] == [(n.route, n.session_id) for n in notices[:2]]
    never = await ledger.store.delivery(notices[2].id)
    assert never is not None
    assert never.state is DeliveryState.REJECTED, "what was never sent is dropped"
    assert {one.id for one in (*owed, *theirs)} <= {one.id for one in await ledger.store.owed(ACCOUNT)}
    assert not await decide(ledger, verdict), "it is owed once"


async def test_what_administrators_are_told_says_the_role(ledger):
    (given,) = (await ask(ledger)).pairings
    for notice in await told_to_admins(ledger, given):
        await sent(ledger, notice)
    _, *edits = await ledger.store.grant(grant(ledger, role=Role.ADMIN))
    assert {one.body for one in edits} == {"Eve (1003) was let in, as an administrator."}
    assert len(edits) == len(ADMINS)


async def test_a_notice_that_the_platform_refused_is_not_changed(ledger):
    (given,) = (await ask(ledger)).pairings
    for notice in await told_to_admins(ledger, given):
        assert await ledger.store.claim(notice.id, ledger.tick())
        await ledger.store.settle(notice.id, Rejected("blocked"), ledger.tick())
    assert await decide(ledger, "granted") == ()


async def test_a_grant_is_taken_back_once(ledger):
    await ledger.store.grant(grant(ledger))
    await ledger.store.grant(grant(ledger, account="slack"))
    assert await ledger.store.revoke(ACCOUNT, EVE, ledger.tick())
    assert not await ledger.store.revoke(ACCOUNT, EVE, ledger.tick())
    assert [one.account for one in await ledger.store.grants()] == ["slack"]


async def test_everything_that_somebody_has_waiting_is_taken_back(ledger):
    """Messages, commands, presses and resume events; in their own chat and in others; and nobody else's."""
    mine = (await ledger.say("mine", EVE, origin=by(EVE))).session_id
    await ledger.command("status", EVE, origin=by(EVE))
    await ledger.say("go:1:1", EVE, kind=MessageKind.BUTTON, origin=by(EVE))
    ours = (await ledger.say("ours", "-5", thread="beds", origin=by(EVE, ChatKind.GROUP))).session_id
    await ledger.say("his", "-5", thread="beds", origin=by("1002", ChatKind.GROUP))
    other = (await ledger.say("elsewhere", EVE, account="slack", origin=by(EVE))).session_id
    assert await ledger.store.withdraw_of(ACCOUNT, EVE) == (mine, ours)
    assert {state for _, state in await ledger.texts(mine)} == {"withdrawn"}
    assert await ledger.texts(ours) == [("ours", "withdrawn"), ("his", "waiting")]
    assert await ledger.texts(other) == [("elsewhere", "waiting")]
    assert await ledger.store.withdraw_of(ACCOUNT, EVE) == ()
    assert await ledger.store.waiting_commands(ACCOUNT) == ()


async def test_a_scheduled_resume_is_taken_back_with_the_rest(ledger):
    said = await ledger.say("dig", EVE, origin=by(EVE))
    await ledger.begin(said.session_id)
    await ledger.start()
    await ledger.store.schedule_resumes([said.session_id], ledger.tick())
    assert await ledger.store.withdraw_of(ACCOUNT, EVE) == (said.session_id,)
    assert await ledger.idle(said.session_id)


async def test_what_is_worked_on_is_not_taken_back(ledger):
    said = await ledger.say("dig", EVE, origin=by(EVE))
    await ledger.begin(said.session_id)
    assert await ledger.store.withdraw_of(ACCOUNT, EVE) == ()
