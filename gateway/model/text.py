"""Text from outside, made storable."""

import re

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """The text with what no database takes replaced by U+FFFD: NUL, and halves of surrogate pairs.

    JSON may carry both. One of them in one message must not keep a whole batch from being committed.
    """
    return _UNSTORABLE.sub("\ufffd", text)
