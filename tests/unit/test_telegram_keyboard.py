"""Buttons below a Telegram message: all that they say can be read."""

from adapters.telegram.outgoing import keyboard
from gateway.model.delivery import Button


def rows(*labels):
    made = keyboard(tuple(Button(label, f"data-{label}") for label in labels))
    return made and [[(one["text"], one["callback_data"]) for one in row] for row in made["inline_keyboard"]]


def test_without_buttons_there_is_no_keyboard():
    assert rows() is None


def test_short_labels_stand_side_by_side():
    assert rows("Allow", "Refuse") == [[("Allow", "data-Allow"), ("Refuse", "data-Refuse")]]


def test_long_labels_stand_below_each_other():
    labels = ("Yes, allow all edits during this session", "Yes", "No, and tell the agent what to do")
    assert rows(*labels) == [[(label, f"data-{label}")] for label in labels]
