"""Limits on what is written, and codes in words: pure, by every edge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.address import Route
from gateway.model.grant import Grant, Pairing, Role
from gateway.rules import allowance as rules
from gateway.rules import pairing
from gateway.rules.allowance import Allowance, Allowances, Exceeded, Window, exceeded_key, exceeded_text

THREE = Allowance(3, 10.0)


def take(window, *times, allowance=THREE):
    return [window.take(allowance, at) for at in times]


def test_a_window_slides():
    assert take(Window(), 0, 1, 2, 3, 9.5, 10, 10.5, 11) == [None, None, None, 7.0, 0.5, None, 0.5, None]


@given(st.lists(st.floats(0, 100), max_size=60).map(sorted), st.integers(1, 5), st.floats(0.5, 20))
def test_never_more_than_allowed_and_never_less_than_that(times, count, seconds):
    allowance, window = Allowance(count, seconds), Window()
    taken = [at for at in times if window.take(allowance, at) is None]
    for at in times:
        recent = [one for one in taken if at - seconds < one <= at]
        assert len(recent) <= count
        assert at in taken or len(recent) == count
    assert len(window._times) <= count


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30).map(sorted))
def test_after_the_wait_that_was_named_one_more_may_be_written(times):
    window = Window()
    for at in times:
        wait = window.take(THREE, at)
        if wait is not None:
            assert 0 <= wait <= THREE.seconds
            assert window.wait(THREE, at + wait + 1e-6) is None


def test_rounding_makes_no_wait_longer_than_the_window():
    assert take(Window(), *[22.641823311098374] * 4)[-1] == THREE.seconds


def test_an_older_message_is_not_held_against_newer_ones():
    """One chat is read back after the other."""
    window = Window()
    assert take(window, 100, 101, 102) == [None] * 3
    assert take(window, 50, 103) == [None, 7.0]


def allowances(person=THREE, account=None):
    return Allowances(person, account)


def test_people_and_accounts_are_counted_apart():
    counts = allowances()
    assert [counts.take("a", "1", f"x{n}", 0.0) for n in range(4)][-1] == Exceeded(THREE, 10.0, 0.0)
    assert counts.take("a", "2", "y", 0.0) is None
    assert counts.take("b", "1", "x0", 0.0) is None


def test_an_account_that_is_full_is_held_against_nobody():
    counts = allowances(Allowance(2, 10.0), Allowance(3, 10.0))
    found = [counts.take("a", str(n % 2), f"e{n}", 0.0) for n in range(4)]
    assert found == [None, None, None, Exceeded(Allowance(3, 10.0), 10.0, 0.0, whole=True)]
    assert counts.take("a", "1", "late", 10.0) is None


@pytest.mark.parametrize("person", [None, THREE])
def test_an_event_counts_once(person):
    counts = allowances(person, THREE)
    assert [counts.take("a", "1", "same", at) for at in range(9)] == [None] * 9
    assert [counts.take("a", "1", f"e{n}", 9.0) for n in range(3)] == [None] * 2 + [
        Exceeded(THREE, 1.0, 9.0, whole=person is None)
    ]


def test_off_counts_nothing():
    counts = allowances(None, None)
    assert [counts.take("a", "1", f"e{n}", 0.0) for n in range(100)] == [None] * 100
    assert len(counts) == 0


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(rules, "PEOPLE", 5)
    monkeypatch.setattr(rules, "EVENTS", 7)
    counts = allowances(THREE, Allowance(1000, 10.0))
    for number in range(100):
        counts.take("a", str(number), f"e{number}", float(number))
    assert len(counts) == 5
    assert len(counts._counted) == 7


def test_who_wrote_last_is_remembered(monkeypatch):
    monkeypatch.setattr(rules, "PEOPLE", 2)
    counts = allowances(Allowance(1, 10.0))
    for event, person in enumerate("1213"):
        counts.take("a", person, f"e{event}", 0.0)
    assert counts.take("a", "1", "x", 0.0) is not None
    assert counts.take("a", "2", "y", 0.0) is None


@pytest.mark.parametrize(
    ("exceeded", "words"),
    [
        (Exceeded(Allowance(20, 60.0), 12.2, 0.0), ["20 messages in 1 minute", "in 13 seconds."]),
        (Exceeded(Allowance(1, 3600.0), 3600.0, 0.0), ["1 message in 1 hour", "in 1 hour."]),
        (Exceeded(Allowance(5, 86400.0), 7201.0, 0.0), ["5 messages in 24 hours", "in 3 hours."]),
        (Exceeded(Allowance(5, 90.0), 0.0, 0.0), ["in 90 seconds)", "in 1 second."]),
        (Exceeded(Allowance(5, 60.0), 3.0, 0.0, whole=True), ["More is written to this bot"]),
    ],
)
def test_what_is_said_about_a_limit(exceeded, words):
    text = exceeded_text(exceeded)
    for word in words:
        assert word in text


def test_what_is_said_of_a_limit_holds_for_everything_that_is_not_taken():
    assert exceeded_text(Exceeded(Allowance(5, 20.0), 19.2, 0.0)) == (
        "You write faster than this bot answers (5 messages in 20 seconds). "
        "What is more than that is not taken: please send it again in 20 seconds."
    )


def test_a_limit_is_told_once_for_each_person_and_stretch():
    counts = Allowances(THREE)
    for event in range(3):
        assert counts.take("a", "1", f"x{event}", 99.0) is None
    keys = []
    for number, at in enumerate((99.5, 100.0, 104.0, 108.9)):
        exceeded = counts.take("a", "1", f"y{number}", at)
        assert exceeded is not None
        keys.append(exceeded_key(exceeded, "a", "1"))
    assert len(set(keys)) == 1
    for event in range(3):
        assert counts.take("a", "1", f"z{event}", 109.5) is None
    again = counts.take("a", "1", "z3", 109.6)
    assert again is not None
    assert exceeded_key(again, "a", "1") not in keys
    assert exceeded_key(again, "a", "2") != exceeded_key(again, "a", "1")


# Codes.


def asking(name="Eve", code="ABCDEFGH"):
    return Pairing(code, "telegram", "1003", name, Route("telegram", "1003"), 0.0, 3600.0)


def test_the_alphabet_has_nothing_that_is_read_as_something_else():
    assert len(set(pairing.ALPHABET)) == 32
    assert not set(pairing.ALPHABET) & set("0O1I")
    assert pairing.ALPHABET.isupper()


@given(st.text(pairing.ALPHABET, min_size=8, max_size=8), st.data())
def test_codes_are_known_however_they_are_spelled(code, data):
    gaps = data.draw(st.lists(st.text(" -\u2013\u2014\n", max_size=3), min_size=9, max_size=9))
    typed = "".join(gap + letter for gap, letter in zip(gaps, [*code, ""], strict=True))
    assert pairing.normalized(typed) == code
    assert pairing.normalized(typed.lower()) == code
    assert pairing.normalized(pairing.spelled(code)) == code


@given(st.text(max_size=40))
def test_anything_else_is_no_code_or_one_of_eight_letters(typed):
    found = pairing.normalized(typed)
    assert found is None or (len(found) == 8 and set(found) <= set(pairing.ALPHABET))


@given(st.text(max_size=300))
def test_a_name_is_shown_as_letters_and_digits_beside_the_id(name):
    shown = pairing.called("1003", name)
    assert shown.endswith("(1003)") or shown == "1003"
    assert len(shown) <= 70
    assert not set(shown.removesuffix("(1003)")) & set("[]()<>*_`~|#@:/.\\\n\u202e\u200b")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Eve", "Eve (1003)"),
        ("  Eve   O'Hara-Smith ", "Eve O'Hara-Smith (1003)"),
        ("[free](http://x.example)", "free http x example (1003)"),
        ("\u202eevE", "evE (1003)"),
        ("हिन्दी", "हिन्दी (1003)"),
        ("@everyone", "everyone (1003)"),
        ("", "1003"),
        ("***", "1003"),
    ],
)
def test_names(name, shown):
    assert pairing.called("1003", name) == shown


def test_what_people_read():
    told = pairing.code_text(asking())
    assert "ABCD-EFGH" in told
    assert "administrator" in told
    assert "carryon pair approve ABCD-EFGH" in told
    assert pairing.asks_text(asking()) == "Eve (1003) asks to use this bot."
    admin = Grant("telegram", "1003", "Eve", Role.ADMIN, "operator", 1.0)
    assert "administrator" in pairing.welcome_text(admin)


@given(st.integers(1), st.text(pairing.ALPHABET, min_size=8, max_size=8))
def test_the_keys_of_a_code_are_found_and_no_others(session, code):
    first, end = pairing.asks_keys("ABCDEFGH")
    assert first <= pairing.asks_key(asking(), session) < end
    key = pairing.asks_key(asking(code=code), session)
    assert (first <= key < end) is (code == "ABCDEFGH")


def test_buttons_come_back_as_what_they_were():
    yes, no = pairing.asks_buttons(asking())
    assert (yes.label, no.label) == ("Let in", "Refuse")
    assert [pairing.answer_of(one.data.removeprefix("pair:")) for one in (yes, no)] == [
        (True, "ABCDEFGH"),
        (False, "ABCDEFGH"),
    ]
    assert all(len(one.data.encode()) <= 64 for one in (yes, no))


@pytest.mark.parametrize("about", ["", "y", "y:", "z:ABCDEFGH", ":ABCDEFGH", "y:ABCDEFG", "yn:ABCDEFGH"])
def test_other_data_is_no_answer(about):
    assert pairing.answer_of(about) is None
