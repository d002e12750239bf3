"""One attempt to read a config: to a `Config`, or to everything that is wrong with file and environment.

Order matters: the file becomes a tree, overrides replace parts of it, and only then are references filled in,
so that an override also cures a missing variable or a broken value. No message contains a value that came
from the environment, from a secret's file, or that stands at a secret's key.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple, cast

from pydantic import SecretStr, ValidationError

from adapters.manifest import Withheld
from gateway.config.models import Config, Place, dangling
from gateway.config.problems import (
    Hidden,
    describe,
    holds_secret,
    is_section,
    kind_at,
    place_of,
    sentence,
    value_at,
)
from gateway.config.tree import Branch, Leaf, Node, Problem, Row, Spot, parse, parse_override, shorten
from gateway.config.variables import Variables, read_bounded

PREFIX: Final = "CARRYON__"
_MOST_BYTES = 256 * 1024
_MOST_PROBLEMS = 100
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_WITH_SECRETS = ("accounts", "agents")  # a text where one of their sections belongs may be a misplaced token
_SECRET_LENGTH = 8  # shorter texts are too likely to be part of a message's own words


class Found(NamedTuple):
    """Where a place of a config stands, and what was found there, in words that tell no secret.

    `as_written`: nothing was filled in, and no `$$` made a `$`.
    """

    spot: Spot
    what: str
    as_written: bool = True


Finder = Callable[[Place], Found]


@dataclass(slots=True)
class Reading:
    """One attempt to load, and what it found."""

    variables: Variables
    lenient: bool = False  # about secrets that cannot be had: they are left out
    problems: list[Problem] = field(default_factory=list[Problem])
    faulty: set[Place] = field(default_factory=set[Place])  # told already: pydantic's view adds nothing
    overrides: dict[Place, str] = field(default_factory=dict[Place, str])
    hidden: set[Place] = field(default_factory=set[Place])
    filled: set[Place] = field(default_factory=set[Place])  # what counts is not what is written
    root: Branch = field(default_factory=lambda: Branch(Spot(0, ""), {}, {}))
    outline: object = None  # the platforms alone: enough to know which keys hold secrets
    data: object = None

    @property
    def context(self) -> dict[str, str | None]:
        """Where paths of the file begin."""
        return {"base": self.variables.base, "home": self.variables.environ.get("HOME")}

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

    def find(self, place: Place) -> Found:
        what = describe(self._shown(place))
        return Found(self._spot(place, at_key=True), what, place not in self.filled)

    def told(self) -> list[Problem]:
        """Every problem once, in order, with what came from outside struck out as a last guard."""
        outside = sorted((v for v in self.variables.found if len(v) >= _SECRET_LENGTH), key=len, reverse=True)
        found = dict[Problem, None]()
        for problem in sorted(self.problems, key=lambda problem: problem.spot):
            text, key = problem.text, problem.key
            for value in outside:
                text, key = text.replace(value, "[redacted]"), key.replace(value, "[redacted]")
            found[replace(problem, text=text, key=key)] = None
        return list(found)

    def messages(self) -> list[str]:
        """The problems as lines, the first hundred of them."""
        lines = [str(problem) for problem in self.told()]
        rest = len(lines) - _MOST_PROBLEMS
        return [*lines[:_MOST_PROBLEMS], f"... and {rest} more"] if rest > 0 else lines

    def node_at(self, place: Place) -> Node | None:
        """What stands at a place of the file and its overrides, None where nothing does."""
        node: Node | None = self.root
        for step in place:
            if isinstance(node, Branch):
                node = node.entries.get(str(step))
            elif isinstance(node, Row) and isinstance(step, int) and step < len(node.items):
                node = node.items[step]
            else:
                return None
        return node

    def references(self, leaf: Leaf) -> tuple[str, ...]:
        """What is filled into a text of the file."""
        text = leaf.value if isinstance(leaf.value, str) and not leaf.spot.rank else ""
        return self.variables.references(text)

    def _text(self, path: str) -> str | None:
        spot = Spot(0, path)
        try:
            return read_bounded(path, _MOST_BYTES).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            before = error.object[: error.start]
            spot = Spot(0, path, before.count(b"\n") + 1, len(before) - before.rfind(b"\n"))
            known = "UTF-16" if error.object[:2] in _UTF_16 else "bytes that are not UTF-8"
            what = f"{known}; text in UTF-8 is allowed; save the file as UTF-8"
        except FileNotFoundError:
            what = (
                "there is no such file; a config file is needed; `carryon init` writes one, or begin with "
                "a copy of the annotated config/gateway.yaml; if you have one, name it with --config FILE, "
                "or in the environment variable CARRYON_CONFIG"
            )
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
        spot = Spot(1, f"environment {'__'.join(map(shorten, name.split('__')))}")
        *above, key = place = name.removeprefix(PREFIX).split("__")
        if "" in place:
            what = "a part of the name is empty; CARRYON__section__key is allowed; correct it, or unset it"
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
                self.filled.add(place)
            value = filled
            if faults and self.lenient and kind is SecretStr:
                self.hidden.add(place)
                return Withheld()
        if faults:
            self.problems.extend(Problem(leaf.spot, fault, _where(place)) for fault in faults)
            self.faulty.add(place)
        hidden = holds_secret(kind) or (len(place) > 1 and place[0] in _WITH_SECRETS and is_section(kind))
        return self._secret(value, place) if hidden else value

    def _secret(self, value: object, place: Place) -> object:
        self.hidden.add(place)
        if isinstance(value, str):
            self.variables.found.add(value)
        return value

    def _validated(self) -> Config | None:
        try:
            return Config.model_validate(self.data, context=self.context)
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
                self._tell(place, f"{describe(self._shown(place))}; {what}")

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
                        f"{what}; each account needs a bot of its own; "
                        "write that bot's token, or remove one of the two accounts",
                    )

    def _section(self, key: str) -> dict[str, object]:
        section = value_at((key,), self.data)
        return cast("dict[str, object]", section) if isinstance(section, dict) else {}

    def _shown(self, place: Place) -> object:
        value = value_at(place, self.data)
        harmless = value is None or value == "" or isinstance(value, dict | list)
        hidden = place in self.hidden or any(place[: len(one)] == one for one in self.overrides)
        return Hidden() if hidden and not harmless else cast("object", value)

    def _tell(self, place: Place, what: str, *, at_key: bool = False) -> None:
        if not any(place[: len(told)] == told for told in self.faulty):
            self.problems.append(Problem(self._spot(place, at_key=at_key), what, _where(place)))

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
