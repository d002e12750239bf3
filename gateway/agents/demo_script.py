"""What the demo agent is asked to do: prompts and directives, read into actions.

A prompt's text is a script. Plain words are said in the order in which they stand; a directive between them
is done at that point. Whitespace is folded, so that the words of a request can be found in the answer
whatever stood between them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gateway.rules.note import NOTE_MARKER, TRANSCRIPT_MARKER

_DIRECTIVE = re.compile(
    r"\[\[\s*(sleep|tool|ask|fail|crash|recall|long|file|image|see)\b\s*([^\]]*)\]\]", re.IGNORECASE
)
_SECONDS = re.compile(r"^(\d+(?:\.\d+)?)\s*(ms|s|m)?$")
_SCALE = {"ms": 0.001, "s": 1.0, "m": 60.0}
_FILE = re.compile(r"(\S.*?)(?:\s+(\d{1,9})\s*([km]?)b?)?", re.IGNORECASE)
_BLOCK = re.compile(r"^\[(USER|ASSISTANT|AGENT|TOOL USE)([^\]\n]*)\]([^:\n]*):?", re.MULTILINE)
_FOOTER = "--- End of prior session ---"


@dataclass(frozen=True, slots=True)
class Say:
    """Plain words of the request, to be echoed."""

    words: str


@dataclass(frozen=True, slots=True)
class Sleep:
    """Think for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Tool:
    """Run a pretended tool for so many seconds."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Ask:
    """Request a permission."""


@dataclass(frozen=True, slots=True)
class Fail:
    """Answer the prompt with a protocol error."""


@dataclass(frozen=True, slots=True)
class Crash:
    """End the own process at once, as a kill from outside would."""


@dataclass(frozen=True, slots=True)
class Recall:
    """Tell every earlier user text."""


@dataclass(frozen=True, slots=True)
class Long:
    """Answer with so many characters of Markdown."""

    length: int


@dataclass(frozen=True, slots=True)
class File:
    """Make a file and link to it. `size` is in bytes; None for what is usual."""

    name: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """Show a picture within the answer."""


@dataclass(frozen=True, slots=True)
class See:
    """Tell what the prompt held besides text."""


@dataclass(frozen=True, slots=True)
class Count:
    """Tell how many words followed the command /count."""

    words: int


Action = Count | Say | Sleep | Tool | Ask | Fail | Crash | Recall | Long | File | Picture | See


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt as it arrived: its blocks told apart by the markers that they start with."""

    preamble: str
    note: str
    text: str

    @property
    def length(self) -> int:
        """Characters of all of it."""
        return len(self.preamble) + len(self.note) + len(self.text)

    @property
    def goes_on(self) -> bool:
        """Whether the gateway wants an unfinished request to be finished."""
        return bool(self.note) and "Do not go on with it" not in self.note


def read_blocks(blocks: Iterable[str]) -> Request:
    """Tell preamble, note and text apart; several texts are one text."""
    preamble = note = ""
    texts: list[str] = []
    for block in blocks:
        if block.startswith(TRANSCRIPT_MARKER):
            preamble = block
        elif block.startswith(NOTE_MARKER):
            note = block
        else:
            texts.append(block)
    return Request(preamble, note, "\n".join(texts))


def fold(text: str) -> str:
    """One space wherever there was any whitespace."""
    return " ".join(text.split())


def plain(text: str) -> str:
    """The words of a text without its directives."""
    return fold(_DIRECTIVE.sub(" ", text)) if "[[" in text else fold(text)


def read_script(text: str) -> tuple[Action, ...]:
    """The actions that a text asks for, in order."""
    command, *words = text.split() or [""]
    return (Count(len(words)),) if command == "/count" else tuple(_actions(text))


def _actions(text: str) -> Iterator[Action]:
    position = 0
    for match in _DIRECTIVE.finditer(text):
        if words := fold(text[position : match.start()]):
            yield Say(words)
        yield _directive(match.group(1).lower(), match.group(2).strip())
        position = match.end()
    if words := fold(text[position:]):
        yield Say(words)


def _directive(name: str, argument: str) -> Action:
    match name:
        case "sleep":
            return Sleep(_seconds(argument))
        case "tool":
            tool, _, duration = argument.partition(" ")
            return Tool(tool or "tool", _seconds(duration.strip()))
        case "ask":
            return Ask()
        case "fail":
            return Fail()
        case "crash":
            return Crash()
        case "recall":
            return Recall()
        case "file":
            return _file(argument)
        case "image":
            return Picture()
        case "see":
            return See()
        case _:
            return Long(int(argument) if argument.isdecimal() else 1000)


def _file(argument: str) -> File:
    match = _FILE.fullmatch(argument)
    if match is None:
        return File("file.txt")
    name, size, unit = match.groups()
    return File(name, int(size) * {"": 1, "k": 1024, "m": 1024**2}[unit.lower()] if size else None)


def _seconds(argument: str) -> float:
    match = _SECONDS.match(argument)
    return float(match.group(1)) * _SCALE[match.group(2) or "s"] if match else 0.0


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a transcript in front of a prompt says: the user's texts, and what was left unfinished."""

    texts: tuple[str, ...] = ()
    unfinished: str = ""
    started: frozenset[str] = frozenset()


def read_transcript(preamble: str) -> Transcript:
    """Read a transcript's blocks. A request is unfinished when no whole answer follows it."""
    body = preamble.partition(_FOOTER)[0]
    marks = list(_BLOCK.finditer(body))
    texts: list[str] = []
    unfinished = ""
    started = set[str]()
    for mark, end in zip(marks, [*(m.start() for m in marks[1:]), len(body)], strict=True):
        content = body[mark.end() : end].strip()
        match mark.group(1):
            case "USER":
                texts.append(content)
                unfinished, started = content, set[str]()
            case "TOOL USE":
                started.add(mark.group(2).lstrip(": ").strip())
            case _ if not mark.group(3).strip():  # a label such as "(interrupted)" means: not a whole answer
                unfinished, started = "", set[str]()
            case _:
                pass
    return Transcript(tuple(texts), unfinished, frozenset(started))


def read_note(note: str) -> tuple[str, frozenset[str]]:
    """The request that a note quotes, empty where it quotes none, and the names of the steps it lists."""
    lines = note.splitlines()
    quoted = " ".join(line[2:] for line in lines if line.startswith("> "))
    return quoted, frozenset(line[2:].strip() for line in lines if line.startswith("- "))


def long_text(length: int) -> str:
    """Markdown of exactly so many characters: headings, prose, a code fence and a table, over and over."""
    sections: list[str] = []
    size = 0
    while size < length:
        section = _SECTION.format(n=len(sections) + 1)
        sections.append(section)
        size += len(section)
    return "".join(sections)[:length]


_SECTION = """## Part {n}

Some **bold** words, some *slanted* ones and a `name`, in part {n} of a long answer.

```python
def part_{n}(x: int) -> int:
    return x * {n}
```

| part | value |
|---|---|
| {n} | {n}00 |

"""


def paragraphs(parts: Sequence[str]) -> str:
    """Non-empty parts, one paragraph each."""
    return "\n\n".join(part for part in parts if part)
