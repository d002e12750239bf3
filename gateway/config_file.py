"""From a file and an environment to a `Config`, or to everything that is wrong with them at once.

Order matters: the file becomes a tree, overrides replace parts of it, and only then are references filled in,
so that an override also cures a missing variable or a broken value. No message contains a value that came
from the environment, from a secret's file, or that stands at a secret's key.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

from pydantic import SecretStr, ValidationError

from gateway.config import Config, Place, dangling
from gateway.config_problems import Hidden, describe, holds_secret, kind_at, place_of, sentence, value_at
from gateway.config_tree import Branch, Leaf, Node, Problem, Row, Spot, parse, parse_override, shorten
from gateway.config_variables import Variables, read_bounded
from gateway.errors import ConfigError

PREFIX: Final = "CARRYON__"
_MOST_BYTES = 256 * 1024
_MOST_PROBLEMS = 100
_SECRET_LENGTH = 8  # shorter texts are too likely to be part of a message's own words

Finder = Callable[[Place], tuple[Spot, str]]
"""Where a place of a config stands, and what was found there, in words that tell no secret."""


def load(path: Path | str, environ: Mapping[str, str]) -> Config:
    """The config of a file, with overrides and references from the environment; its paths are absolute.

    Raises `ConfigError` with every problem, in the order of the file, each as
    `file:line:column: key: what was found; what is allowed; what to do`.
    """
    return read(path, environ)[0]


def read(path: Path | str, environ: Mapping[str, str]) -> tuple[Config, Finder]:
    """As `load`, with the means to say more about the config."""
    path = Path(path)
    reading = _Reading(Variables(environ, str(path.absolute().parent)))
    config = reading.config(str(path), environ)
    if reading.problems or config is None:
        raise ConfigError(reading.messages())
    return config, reading.find


@dataclass(slots=True)
class _Reading:
    """One attempt to load, and what it found."""

    variables: Variables
    problems: list[Problem] = field(default_factory=list[Problem])
    faulty: set[Place] = field(default_factory=set[Place])  # told already: pydantic's view adds nothing
    overrides: dict[Place, str] = field(default_factory=dict[Place, str])
    hidden: set[Place] = field(default_factory=set[Place])
    root: Branch = field(default_factory=lambda: Branch(Spot(0, ""), {}, {}))
    outline: object = None  # the platforms alone: enough to know which keys hold secrets
    data: object = None

    def config(self, path: str, environ: Mapping[str, str]) -> Config | None:
        text = self._text(path)
        tree = None if text is None else self._tree(text, path)
        if tree is None:
            return None
        self.root = tree
        for name in sorted(environ):
            if name.startswith(PREFIX):
                self._override(name, environ[name])
        self.outline = self._outline()
        self.data = self._plain(self.root, ())
        config = self._validated()
        self._doubled()
        return config

    def find(self, place: Place) -> tuple[Spot, str]:
        return self._spot(place, at_key=True), describe(self._shown(place))

    def messages(self) -> list[str]:
        """Every problem once, in order, with what came from outside struck out as a last guard."""
        self.problems.sort(key=lambda problem: problem.spot)
        outside = sorted((v for v in self.variables.found if len(v) >= _SECRET_LENGTH), key=len, reverse=True)
        lines = dict[str, None]()
        for problem in self.problems:
            text = problem.text
            for value in outside:
                text = text.replace(value, "[redacted]")
            lines[f"{problem.spot}: {text}"] = None
        shown, rest = list(lines)[:_MOST_PROBLEMS], len(lines) - _MOST_PROBLEMS
        return [*shown, f"... and {rest} more"] if rest > 0 else shown

    def _text(self, path: str) -> str | None:
        spot = Spot(0, path)
        try:
            return read_bounded(path, _MOST_BYTES).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            before = error.object[: error.start]
            spot = Spot(0, path, before.count(b"\n") + 1, len(before) - before.rfind(b"\n"))
            what = "bytes that are not UTF-8; text in UTF-8 is allowed; save the file as UTF-8"
        except OSError as error:
            what = (
                f"cannot be read ({error.strerror}); a YAML file is needed; "
                "name it with --config FILE, or in the environment variable CARRYON_CONFIG"
            )
        except ValueError:
            what = f"cannot be used; a YAML file of at most {_MOST_BYTES} bytes is allowed; shorten it"
        self.problems.append(Problem(spot, what))
        return None

    def _tree(self, text: str, path: str) -> Branch | None:
        tree, problems = parse(text, path)
        self.problems.extend(problems)
        if isinstance(tree, Branch):
            return tree
        if tree is not None or not problems:
            start = tree.spot if tree else Spot(0, path, 1, 1)
            found = "the file is empty" if tree is None else "the file holds no keys"
            what = "accounts, agents and default_agent are required; config/gateway.yaml shows every key"
            self.problems.append(Problem(start, f"{found}; {what}"))
        return None

    def _override(self, name: str, text: str) -> None:
        spot = Spot(1, f"environment {name}")
        *above, key = place = name.removeprefix(PREFIX).split("__")
        if "" in place:
            what = "a part of the name is empty; CARRYON__section__key is allowed; correct it or unset it"
            self.problems.append(Problem(spot, what))
            return
        section = self.root
        for depth, step in enumerate(above, 1):
            inner = section.entries.get(step)
            if inner is None or (isinstance(inner, Leaf) and inner.value is None and not inner.fault):
                inner = section.entries[step] = Branch(spot, {}, {})
                section.keys.setdefault(step, spot)
            if not isinstance(inner, Branch):
                where = ".".join(shorten(part) for part in above[:depth])
                what = f"{where} is no section; a key inside a section is allowed; set {where} as a whole"
                self.problems.append(Problem(spot, what))
                return
            section = inner
        section.entries[key] = parse_override(text, spot.source)
        section.keys[key] = spot
        self.overrides[*above, key] = text

    def _outline(self) -> object:
        accounts = self.root.entries.get("accounts")
        platforms: dict[str, object] = {}
        for name, account in accounts.entries.items() if isinstance(accounts, Branch) else ():
            leaf = account.entries.get("platform") if isinstance(account, Branch) else None
            if isinstance(leaf, Leaf) and isinstance(leaf.value, str):
                platforms[name] = {"platform": self.variables.fill(leaf.value)[0]}
        return {"accounts": platforms}

    def _plain(self, node: Node, place: Place) -> object:
        if place in self.overrides and kind_at(place, self.outline) is SecretStr:
            return self._secret(self.overrides[place], place)  # as it is: it may well look like YAML
        match node:
            case Branch():
                return {key: self._plain(inner, (*place, key)) for key, inner in node.entries.items()}
            case Row():
                return [self._plain(inner, (*place, index)) for index, inner in enumerate(node.items)]
            case Leaf():
                return self._value(node, place)

    def _value(self, leaf: Leaf, place: Place) -> object:
        kind, overridden = kind_at(place, self.outline), leaf.spot.rank > 0
        faults = [leaf.fault] if leaf.fault else []
        # `8080` or `1.10` where a text belongs means these characters, not a number.
        written = kind is str or kind is SecretStr
        value = leaf.text if written and leaf.value is not None else leaf.value
        if isinstance(value, str) and not overridden and not faults:
            filled, faults = self.variables.fill(value)
            if filled != value:
                self.hidden.add(place)
            value = filled
        if faults:
            self.problems.extend(Problem(leaf.spot, f"{_where(place)}: {fault}") for fault in faults)
            self.faulty.add(place)
        return self._secret(value, place) if holds_secret(kind) else value

    def _secret(self, value: object, place: Place) -> object:
        self.hidden.add(place)
        if isinstance(value, str):
            self.variables.found.add(value)
        return value

    def _validated(self) -> Config | None:
        context = {"base": self.variables.base, "home": self.variables.environ.get("HOME")}
        try:
            return Config.model_validate(self.data, context=context)
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
        for detail in details:
            place, at_key = place_of(detail)
            if place:  # the problems of the whole are looked for below, in the raw data
                shown = self._shown(place)
                self._tell(place, sentence(detail, place, self.data, shown), at_key=at_key)
        self._dangling()
        return None

    def _dangling(self) -> None:
        """Names that nothing has. Pydantic would look for them only once everything else is right."""
        accounts, agents = (self._section(key) for key in ("accounts", "agents"))
        lists = {key: value_at(("access", key), self.data) for key in ("allow", "admins")}
        patterns = {key: cast("list[object]", v) for key, v in lists.items() if isinstance(v, list)}
        default = value_at(("default_agent",), self.data)
        for place, what in dangling(accounts, agents, default, patterns):
            if accounts if place[0] == "access" else agents:  # an empty section is a problem of its own
                self._tell(place, f"{_where(place)}: {describe(self._shown(place))}; {what}")

    def _doubled(self) -> None:
        """Tokens that two accounts of a server share: they would take each other's messages away."""
        seen: dict[tuple[str, str], Place] = {}
        for name, account in self._section("accounts").items():
            keys = cast("dict[str, object]", account) if isinstance(account, dict) else {}
            server = str(keys.get("api_url") or "").rstrip("/")
            for key, token in keys.items():
                place = ("accounts", name, key)
                secret = kind_at(place, self.outline) is SecretStr
                if not secret or not isinstance(token, str) or not token:
                    continue
                first = seen.setdefault((server, token), place)
                if first[1] != name:
                    what = f"the same token as at {_where(first)} ({self._spot(first)})"
                    self._tell(
                        place,
                        f"{_where(place)}: {what}; each account needs a bot of its own; "
                        "write that bot's token, or remove one of the two accounts",
                    )

    def _section(self, key: str) -> dict[str, object]:
        section = value_at((key,), self.data)
        return cast("dict[str, object]", section) if isinstance(section, dict) else {}

    def _shown(self, place: Place) -> object:
        value = value_at(place, self.data)
        harmless = value is None or value == "" or isinstance(value, dict | list)
        return Hidden() if place in self.hidden and not harmless else cast("object", value)

    def _tell(self, place: Place, what: str, *, at_key: bool = False) -> None:
        if not any(place[: len(told)] == told for told in self.faulty):
            self.problems.append(Problem(self._spot(place, at_key=at_key), what))

    def _spot(self, place: Place, *, at_key: bool = False) -> Spot:
        node: Node = self.root
        spot = node.spot
        for step in place:
            if isinstance(node, Branch) and step in node.entries:
                spot, node = node.keys[str(step)], node.entries[str(step)]
            elif isinstance(node, Row) and isinstance(step, int) and step < len(node.items):
                node = node.items[step]
                spot = node.spot
            else:
                return spot  # a missing key: its section is the place
        absent = isinstance(node, Leaf) and node.value is None and not node.text  # YAML places it further on
        return spot if at_key or absent else node.spot


def _where(place: Place) -> str:
    return ".".join(shorten(str(part)) for part in place)
