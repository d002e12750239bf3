"""Writes the reference pages in docs/reference from the code; with `--check`, fails if one would change."""

import ast
import inspect
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, cast

import typer

from gateway import errors
from gateway.cli import app
from gateway.console.metrics import METRICS
from gateway.reloading.keys import is_live

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "reference"
NOTE = (
    "\nGenerated from the code; `make check` fails when this page is out of date, "
    "and `make format` writes it.\n"
)

Schema = dict[str, Any]


def main() -> int:
    """Write or check."""
    pages = {
        "config.md": config_page(),
        "commands.md": commands_page(),
        "metrics.md": metrics_page(),
        "log.md": log_page(),
        "exit-codes.md": exit_codes_page(),
    }
    if "--check" not in sys.argv:
        FOLDER.mkdir(exist_ok=True)
        for name, text in pages.items():
            (FOLDER / name).write_text(text, encoding="utf-8")
        return 0
    stale = [name for name, text in pages.items() if not _is(FOLDER / name, text)]
    for name in stale:
        sys.stderr.write(f"docs/reference/{name} is not what the code says; run `make format`\n")
    return 1 if stale else 0


def _is(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


# The config file.


def config_page() -> str:
    """Every key, from the JSON schema."""
    schema = json.loads((ROOT / "config" / "schema.json").read_text(encoding="utf-8"))
    head = (
        "# Config keys\n\nEvery key of the config file. The annotated example is `config/gateway.yaml`; "
        "`carryon config show --effective` prints what counts and where each value comes from. Any key can "
        "be set by the environment as `CARRYON__section__key`; `${NAME}`, `${NAME:-default}` and "
        "`${file:/path}` may stand in any text.\n\n"
        "A key that counts **at once** is taken over while the gateway runs, when the file changes, on "
        "SIGHUP or by `carryon reload`; the others count from the next start on, and `carryon restart` "
        "loses nothing.\n"
    )
    parts = [head + NOTE]
    top = [row for row in _rows(schema, schema, ()) if "." not in row[0]]
    parts.append("## The top level\n\n" + _table(top))
    for name, node in schema["properties"].items():
        inner = _resolved(schema, node)
        about = _sentence(inner.get("description") or node.get("description", ""))
        if "properties" in inner:
            parts.append(f"## {name}\n\n{about}\n\n{_table(list(_rows(schema, inner, (name,))))}")
        elif isinstance(inner.get("additionalProperties"), dict):
            parts.append(f"## {name}\n\n{about} `*` is a name of your own.\n")
            parts += _named(schema, name, inner["additionalProperties"])
    return "\n".join(parts)


Row = tuple[str, str, str, str]


def _named(schema: Schema, name: str, each: Schema) -> Iterator[str]:
    """The keys below a name; of accounts, those of each platform."""
    choices = [_resolved(schema, choice) for choice in each.get("anyOf", [each])]
    for choice in choices:
        title = f"### {_sentence(choice['description']).rstrip('.')}\n\n" if len(choices) > 1 else ""
        yield f"{title}{_table(list(_rows(schema, choice, (name, '*'))))}"


def _rows(schema: Schema, node: Schema, above: tuple[str, ...]) -> Iterator[Row]:
    required = set(node.get("required", ()))
    for key, value in cast("dict[str, Schema]", node.get("properties", {})).items():
        inner = _resolved(schema, value)
        path = (*above, key)
        if "properties" in inner:
            yield from _rows(schema, inner, path)
            continue
        if not above and isinstance(inner.get("additionalProperties"), dict):
            continue
        about = _told(value.get("description") or inner.get("description", ""), list(_choices(schema, inner)))
        default = "**required**" if key in required else _default(value.get("default", inner.get("default")))
        yield ".".join(path), default, about, "at once" if is_live(path) else "restart"


def _resolved(schema: Schema, node: Schema) -> Schema:
    reference = node.get("$ref")
    if not isinstance(reference, str):
        return node
    found = schema
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def _choices(schema: Schema, node: Schema) -> Iterator[str]:
    """The words that are allowed as a value, or within it, where only some are."""
    found = _resolved(schema, node)
    words = [*found.get("enum", ()), found.get("const")]
    yield from (one for one in words if isinstance(one, str))
    for inner in (*found.get("anyOf", ()), *([found["items"]] if "items" in found else [])):
        yield from _choices(schema, inner)


def _told(text: str, choices: list[str]) -> str:
    """What a key means, with its allowed words, which are marked in the sentence if it begins with one."""
    flat = " ".join(text.split()).rstrip(".")
    first = flat.split(" ")[0]
    about = f"`{first}`{flat.removeprefix(first)}." if first in choices else _sentence(flat)
    allowed = ", ".join(f"`{one}`" for one in dict.fromkeys(choices))
    return f"{about} Allowed: {allowed}." if len(set(choices)) > 1 else about


def _default(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return f"`[{', '.join(map(str, cast('list[object]', value)))}]`"
    if isinstance(value, Mapping):
        return "`{}`"
    return f"`{json.dumps(value) if isinstance(value, bool) else value}`"


def _sentence(text: str) -> str:
    flat = " ".join(text.split())
    return flat[:1].upper() + flat[1:].rstrip(".") + "." if flat else ""


def _table(rows: list[Row]) -> str:
    lines = ["| key | default | meaning | counts |", "|---|---|---|---|"]
    lines += [f"| `{key}` | {default} | {_cell(about)} | {when} |" for key, default, about, when in rows]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


# The command line.


class Parameter(Protocol):
    """An argument or an option, as typer describes it."""

    name: str
    param_type_name: str
    required: bool
    hidden: bool
    help: str | None
    default: object
    opts: list[str]
    secondary_opts: list[str]


class Command(Protocol):
    """A command, or a group of them."""

    help: str | None
    hidden: bool
    params: list[Parameter]


def commands_page() -> str:
    """Every command with its arguments and options."""
    root = cast("Command", typer.main.get_command(app))
    parts = [
        "# Commands\n\n`carryon --config FILE COMMAND`; without `--config` the file is `$CARRYON_CONFIG`, "
        "else `gateway.yaml`, else `config/gateway.yaml`, from where you are. Read commands take `--json`.\n"
        + NOTE
    ]
    parts += [_command(path, command) for path, command in _walk(root, ("carryon",))]
    return "\n".join(parts)


def _walk(group: Command, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Command]]:
    inner = cast("dict[str, Command]", getattr(group, "commands", {}))
    if not inner:
        yield above, group
    for name, command in sorted(inner.items()):
        if not command.hidden:
            yield from _walk(command, (*above, name))


def _command(path: tuple[str, ...], command: Command) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and not one.hidden]
    lines = [f"## {' '.join(path)}\n", inspect.cleandoc(command.help or ""), ""]
    tail = [*map(_metavar, arguments), *(["[OPTIONS]"] if options else [])]
    lines.append(f"```usage\n{' '.join([*path, *tail])}\n```")
    told = [one for one in arguments if getattr(one, "help", None)]
    if options or told:
        lines += ["", "| argument or option | default | meaning |", "|---|---|---|"]
        lines += [f"| `{_metavar(one)}` | | {_cell(_flat(one.help))} |" for one in told]
        lines += [_option(one) for one in options]
    return "\n".join(lines) + "\n"


def _metavar(argument: Parameter) -> str:
    name = argument.name.upper()
    return name if argument.required else f"[{name}]"


def _option(option: Parameter) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    plain = isinstance(option.default, str | int | float | Path) and not isinstance(option.default, bool)
    default = f"`{option.default}`" if plain and str(option.default) else ""
    return f"| {names} | {default} | {_cell(_flat(option.help))} |"


def _flat(text: str | None) -> str:
    return " ".join((text or "").split())


# Metrics.


def metrics_page() -> str:
    """Every metric."""
    lines = [
        "# Metrics\n\n`GET /metrics` on `http.listen`, in the format of Prometheus, with the token as a "
        "bearer where there is one. Labels are names of the config and words of the gateway's own; chats, "
        "people and sessions never are. [Alerts and a dashboard](../deploy.md) use these names.\n" + NOTE,
        "| metric | kind | labels | meaning |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{name}` | {metric.kind} | {', '.join(f'`{one}`' for one in metric.labels)} | {metric.help} |"
        for name, metric in METRICS.items()
    ]
    return "\n".join(lines) + "\n"


# The log.

LEVELS = ("debug", "info", "warning", "error", "exception", "critical")


def log_page() -> str:
    """Every line that the gateway may write, by its action."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in sorted((*(ROOT / "gateway").rglob("*.py"), *(ROOT / "adapters").rglob("*.py"))):
        if "emulators" in path.parts or "demo" in path.parts:
            continue
        for level, action, keys in _lines(ast.parse(path.read_text(encoding="utf-8"))):
            found[action][level] |= keys
    lines = [
        "# Log lines\n\nEvery line has a `timestamp` (UTC), a `level` and an `action` from this list, which "
        "is stable: build filters and alerts on it. Values depend on the action. Lines of libraries have the "
        "action `library`. Secrets are struck out, and agents' session ids shortened. "
        "`carryon logs --action 'delivery.*' --follow` shows some of them.\n" + NOTE,
        "| action | level | values |",
        "|---|---|---|",
    ]
    for action, levels in sorted(found.items()):
        keys = sorted(set[str]().union(*levels.values()))
        shown = ["error" if one == "exception" else one for one in LEVELS if one in levels]
        told = ", ".join(dict.fromkeys(shown))
        lines.append(f"| `{action}` | {told} | {', '.join(f'`{key}`' for key in keys)} |")
    return "\n".join(lines) + "\n"


def _lines(tree: ast.Module) -> Iterator[tuple[str, str, set[str]]]:
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        first = node.args[0]
        if node.func.attr not in LEVELS or not isinstance(first, ast.Constant):
            continue
        if isinstance(first.value, str) and re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", first.value):
            yield node.func.attr, first.value, {keyword.arg for keyword in node.keywords if keyword.arg}


# Exit codes.

MEANINGS = {
    0: "done, or stopped as asked",
    1: "refused, failed, or stopped uncleanly: trying again may help",
    2: "an argument that is not allowed",
    3: "`carryon status`: no gateway is running",
    75: "`carryon run`: start me again (`carryon restart`, `/restart`); supervisors are told to",
    78: "a person has to change something first, such as the config; supervisors are told not to try again",
}


def exit_codes_page() -> str:
    """What commands end with, and what it means."""
    kinds = [
        one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, errors.CarryonError)
    ]
    lines = ["# Exit codes\n" + NOTE, "| code | meaning | conditions |", "|---|---|---|"]
    for code, meaning in MEANINGS.items():
        named = [
            f"`{one.__name__}`" for one in kinds if one.exit_code == code and one is not errors.CarryonError
        ]
        lines.append(f"| {code} | {meaning} | {', '.join(named)} |")
    unknown = {one.exit_code for one in kinds} - MEANINGS.keys()
    assert not unknown, f"exit codes without a meaning: {unknown}"
    lines.append("\n## Conditions\n")
    lines += [f"- **{one.__name__}** ({one.exit_code}): {_flat(one.__doc__)}" for one in kinds]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
