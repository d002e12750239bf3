"""What a whole answer of the demo agent reads like, and how the beginning of one is told from it.

An answer echoes every request that it is to, wholly and in the order in which they were made, and then says
what was done beside. So a message is a whole answer, the beginning of one, or something else.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum, auto

from adapters.labels import REPEAT_LABEL
from gateway.agents.demo_script import Action, Ask, File, Long, Recall, See, Tool, fold, plain, read_script
from gateway.engine.streams import CONTINUED, CUT_SHORT, STOPPED
from gateway.rules.progress import WORKING

ENDINGS = tuple(fold(ending) for ending in (CONTINUED, STOPPED, CUT_SHORT))
"""What stands below the beginning of an answer that does not go on in its message."""

_OPENINGS = ("You said:", "Going on with:")
_NOTHING = (r"Done\.", r"You said nothing\.", r"Nothing was left unfinished\.")
_AUTHOR = r"\w+(?: \d+)?: "  # in groups a request begins with the name of who made it
_ATTACHED = r"\[(?:file|image|audio|voice|video)[^\]]*\](?: \([^)]*could not be fetched: [^)]*\))?"
"""The files of a request."""
_SEEN = r"(?:I was given nothing but text\.|(?:[-•] \w+ \S+ \S+ (?:missing|\d+ bytes sha256 \w+)(?: |$))+)"


class Shape(Enum):
    """What a message is.

    `HALF` is the beginning of an answer that nothing ends, `FRAGMENT` one with an ending that says so.
    """

    WHOLE = auto()
    HALF = auto()
    FRAGMENT = auto()
    OTHER = auto()


def shape(text: str, asked: Iterable[str]) -> Shape:
    """What a message is in a chat in which these requests were made; a label before it does not count."""
    text = fold(text.removeprefix(REPEAT_LABEL))
    requests = [one for one in asked if not one.startswith("/")]
    if any(isinstance(action, Long) for one in requests for action in read_script(one)):
        return Shape.WHOLE  # such answers come in pieces
    if ending := next((ending for ending in ENDINGS if text.endswith(ending)), ""):
        return Shape.FRAGMENT if _begins(text.removesuffix(ending).rstrip(), requests) else Shape.OTHER
    if _is_whole(text, requests):
        return Shape.WHOLE
    return Shape.HALF if _begins(text, requests) else Shape.OTHER


def is_fragment(text: str) -> bool:
    """Whether a message says that it is not the whole answer."""
    return fold(text).endswith(ENDINGS)


def _is_whole(text: str, requests: Sequence[str]) -> bool:
    words = sorted({plain(one) for one in requests} - {""}, key=len, reverse=True)
    remarks = [*_NOTHING, *(remark for request in requests for remark in _remarks(request))]
    first = "|".join([*_OPENINGS, *remarks])
    said = [f"(?:{_AUTHOR})?{re.escape(one)}" for one in words]
    pieces = "|".join([*_OPENINGS, *said, _ATTACHED, *remarks])
    if text.endswith(_OPENINGS) or not re.match(f"(?:{first})(?: |$)", text):
        return False
    if not re.fullmatch(f"(?:(?:{pieces})(?: |$))+", text):
        return False
    told = [request for request in requests if plain(request) and plain(request) in text]
    return all(re.search(remark, text) for request in told for remark in _remarks(request))


def _begins(text: str, requests: Sequence[str]) -> bool:
    """Whether it is how an answer to any of these begins. Nothing at all is."""
    if not text or text.startswith(fold(WORKING)) or any(opening.startswith(text) for opening in _OPENINGS):
        return True
    opening = next((one for one in _OPENINGS if text.startswith(one)), None)
    if opening is None:
        return False
    said = text.removeprefix(opening).strip()
    bare = re.sub(f"^{_AUTHOR}", "", said)
    return any(
        words.startswith(one) or one.startswith(words)
        for words in map(plain, requests)
        for one in (said, bare)
        if words
    )


def _remarks(request: str) -> Iterator[str]:
    """What the agent says after the words of a request, as patterns."""
    for action in read_script(request):
        yield from _remark(action)


def _remark(action: Action) -> Iterator[str]:
    match action:
        case Tool(name, _):
            shown = re.escape(name)
            yield rf"I (?:ran {shown}|checked {shown} and did not repeat it)\."
        case Ask():
            yield r"Permission was (?:given|refused)\."
        case File(name, _):
            yield rf"I made {re.escape(name)}\."
        case See():
            yield _SEEN
        case Recall():
            yield r"(?:From (?:the transcript|my own memory)\b.*|I remember nothing\.)"
        case _:
            return
