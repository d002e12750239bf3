"""YAML text as a small tree in which every key and value knows where it stands.

YAML is only read as far as a config needs it: texts, numbers, truths, lists and mappings, with anchors and
merges. Tags are refused, and depth and size are bounded after aliases are followed, so that a small file
cannot unfold into a large one. A fault that belongs to one value is kept in its leaf: an override may still
replace it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from gateway.config.syntax import Mark, insight
from gateway.rules.credentials import unless_secret

_MOST_VALUES = 20_000
_DEEPEST = 32
_CORRECT = "correct the text there or just before it; texts with special characters need quotes"
_TAG = "tag:yaml.org,2002:"
_TRUE, _FALSE = frozenset({"true", "yes", "on", "y"}), frozenset({"false", "no", "off", "n"})


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """Where something stands: `source:line:column` in a file, both from 1; the name alone for an override."""

    rank: int  # files before overrides, so that problems come in the order of reading
    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar: its value, its text as written, and what is wrong with it, if anything is."""

    spot: Spot
    value: str | int | float | bool | None
    text: str = ""
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A list."""

    spot: Spot
    items: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Branch:
    """A mapping; `keys` says where each key stands."""

    spot: Spot
    entries: "dict[str, Node]"
    keys: dict[str, Spot]


Node = Leaf | Row | Branch


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to tell: what was found; what is allowed; what to do.

    `key` is where in the config, empty for the file as a whole.
    """

    spot: Spot
    text: str
    key: str = ""

    def __str__(self) -> str:
        return f"{self.spot}: {self.key}: {self.text}" if self.key else f"{self.spot}: {self.text}"


class _YamlNode(Protocol):
    """The parser's node; it carries no types of its own."""

    id: str
    tag: object
    value: object
    start_mark: Mark


class _Refusal(Protocol):
    context: str | None
    context_mark: Mark | None
    problem: str | None
    problem_mark: Mark | None


class _TooLargeError(Exception):
    """The file has more, or more deeply nested, values than any config."""


def parse(text: str, source: str) -> tuple[Node | None, list[Problem]]:
    """The tree of a file; None when it is empty, or not YAML, which is then among the problems."""
    return _parse(text, Spot(0, source, 1, 1))


def parse_override(text: str, source: str) -> Node:
    """The tree of one value from the environment; what is wrong with it is in the leaf it then returns."""
    spot = Spot(1, source)
    node, problems = _parse(text, spot)
    if problems or isinstance(node, Leaf):
        value, fault = (None, problems[0].text) if not isinstance(node, Leaf) else (node.value, node.fault)
        return Leaf(spot, value, text, fault)
    return node or Leaf(spot, None, text)


def _parse(text: str, start: Spot) -> tuple[Node | None, list[Problem]]:
    reading = _Reading(start)
    try:
        yaml: Any = YAML(typ="safe", pure=True)
        yaml.composer.warn_double_anchors = False  # YAML allows it, and the warning quotes the file
        root = cast("_YamlNode | None", yaml.compose(text))
        return (None if root is None else reading.node(root, 0)), reading.problems
    except (RecursionError, _TooLargeError):
        what = f"more than {_MOST_VALUES} values or {_DEEPEST} levels; a config is smaller"
        return None, [Problem(start, f"{what}; remove what is not part of one")]
    except MarkedYAMLError as error:
        return None, [reading.refused(cast("_Refusal", error), text)]
    except ReaderError as error:
        before = text[: cast("int", error.position)]  # pyright: ignore[reportUnknownMemberType]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        spot = start if not start.line else Spot(start.rank, start.source, line, column)
        return None, [Problem(spot, f"a control character; YAML allows none; {_CORRECT}")]
    except (YAMLError, ValueError, ArithmeticError, LookupError, AttributeError, AssertionError, TypeError):
        # The parser trips over some broken input instead of refusing it. That is still a broken file.
        return None, [Problem(start, f"not valid YAML; {_CORRECT}")]


@dataclass(slots=True)
class _Reading:
    """Turns the parser's nodes into ours, following aliases within bounds."""

    start: Spot
    problems: list[Problem] = field(default_factory=list[Problem])
    count: int = 0

    def spot(self, mark: Mark | None) -> Spot:
        if not self.start.line or mark is None:
            return self.start
        return Spot(self.start.rank, self.start.source, mark.line + 1, mark.column + 1)

    def refused(self, error: _Refusal, text: str) -> Problem:
        noticed = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.context, error.problem) if part)
        # What is quoted stands in the file and may be a secret; one or two characters are only punctuation.
        what = re.sub(r"(undefined alias|duplicate anchor|tag handle).*", r"\1", what, flags=re.DOTALL)
        what = re.sub(r"\"[^\"]*\"|'[^']*'", lambda m: _quoted(m[0][1:-1]), what)
        if noticed is None:
            return Problem(self.start, f"not valid YAML: {what}; {_CORRECT}")
        found = insight(text, what, error.context_mark, noticed)
        where = f" (noticed at {self.spot(noticed)})" if found.moved and self.start.line else ""
        return Problem(self.spot(found), f"not valid YAML: {what}{where}; {found.advice}")

    def node(self, node: _YamlNode, depth: int) -> Node:
        self.count += 1
        if self.count > _MOST_VALUES or depth > _DEEPEST:
            raise _TooLargeError  # also where an alias contains itself
        spot, tag = self.spot(node.start_mark), str(node.tag).removeprefix(_TAG)
        if node.id == "scalar":
            return _scalar(spot, tag, cast("str", node.value))
        if node.id == "sequence" and tag == "seq":
            items = cast("list[_YamlNode]", node.value)
            return Row(spot, tuple(self.node(item, depth + 1) for item in items))
        if node.id == "mapping" and tag == "map":
            return self._mapping(spot, cast("list[tuple[_YamlNode, _YamlNode]]", node.value), depth)
        return _tagged(spot)

    def _mapping(self, spot: Spot, pairs: list[tuple[_YamlNode, _YamlNode]], depth: int) -> Branch:
        branch = Branch(spot, {}, {})
        merged: list[Branch] = []
        for key, value in pairs:
            at = self.spot(key.start_mark)
            if key.id != "scalar":
                what = (
                    "a key that is not a text; write key: value; a text that begins with { or [ needs quotes"
                )
                self.problems.append(Problem(at, what))
            elif str(key.tag) == f"{_TAG}merge":
                merged.extend(self._merged(at, self.node(value, depth + 1)))
            elif (name := str(key.value)) in branch.entries:
                what = f"the key stands twice, first at {branch.keys[name]}; once is allowed; remove one"
                self.problems.append(Problem(at, what, shorten(name)))
            else:
                branch.entries[name], branch.keys[name] = self.node(value, depth + 1), at
        for other in merged:
            for name, value in other.entries.items():
                branch.keys.setdefault(name, other.keys[name])
                branch.entries.setdefault(name, value)
        return branch

    def _merged(self, at: Spot, value: Node) -> Iterator[Branch]:
        for part in value.items if isinstance(value, Row) else (value,):
            if isinstance(part, Branch):
                yield part
            else:
                what = "a mapping, or a list of them, is allowed; write <<: *anchor"
                self.problems.append(Problem(at, what, "<<"))


def _quoted(text: str) -> str:
    return f"'{text}'" if len(text) < 3 or re.fullmatch(r"<[a-z ]+>", text) else "…"


def shorten(key: str) -> str:
    """A key as it may be shown: not a secret in itself, but a slip may make a key of one."""
    shown = unless_secret(key if key.isprintable() else ascii(key)[1:-1])
    return shown if len(shown) <= 40 else shown[:8] + "…"


def _scalar(spot: Spot, tag: str, text: str) -> Leaf:
    value: str | float | bool | None
    try:
        match tag:
            case "str" | "timestamp" | "value" | "merge":
                value = text
            case "null":
                value = None
            case "bool" if text.lower() in _TRUE | _FALSE:
                value = text.lower() in _TRUE
            case "int":
                digits = text.replace("_", "")
                value = int(digits, 0 if re.match(r"[-+]?0[box]", digits) else 10)
            case "float":
                value = float(re.sub(r"_|\.(?=inf|nan)", "", text.lower()))
            case _:
                return _tagged(spot)
    except ValueError:
        value = text  # looked like a number and is none
    return Leaf(spot, value, text)


def _tagged(spot: Spot) -> Leaf:
    what = 'a tag; only plain values are allowed; remove it, or quote a text that begins with "!"'
    return Leaf(spot, None, fault=what)
