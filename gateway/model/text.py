"""Text from outside: made storable, made plain, and how much of it there is to parse."""

import re

_MARKS = "\n*_`[]|~<>$\\&#-+!"
_RULE_OF_TABLE = re.compile(r"^[ \t>]*[|:-][|: \t-]*$", re.MULTILINE)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """The text with what no database takes replaced by U+FFFD: NUL, and halves of surrogate pairs.

    JSON may carry both. One of them in one message must not keep a whole batch from being committed.
    """
    return _UNSTORABLE.sub("\ufffd", text)


def tidy(text: str) -> str:
    """The same text with plain line ends and without halves of characters, which no platform takes."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def effort(text: str) -> int:
    """About how many parts there are in a text, to whoever parses it: to be known before it is parsed.

    The rows of a table are filled up to its width, whatever little is written in them.
    """
    parts = sum(map(text.count, _MARKS))
    at = 0
    while "|" in text and (rule := _RULE_OF_TABLE.search(text, at)):
        at = max(text.find("\n\n", rule.end()), 0) or len(text)
        columns = rule[0].count("|")
        parts += max(columns * text.count("\n", rule.end(), at) - text.count("|", rule.end(), at), 0)
    return parts
