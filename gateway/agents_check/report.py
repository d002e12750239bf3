"""What `carryon agents` prints: aligned lines for people, JSON for programs.

Every text goes through the redaction of the log first: what agents say may hold keys and session ids.
"""

import json
import os
from collections.abc import Iterable, Sequence
from typing import Any, cast

from gateway.agents.environment import environment, find_command
from gateway.agents.outcomes import redacted
from gateway.agents.presets import PRESETS
from gateway.agents_check.findings import Findings
from gateway.config.file import Finder
from gateway.config.models import Config
from gateway.log import Redaction
from gateway.policies import agent_spec

MB = 1_000_000

_WIDEST = 48

Values = dict[str, Any]


def listed(config: Config, find: Finder) -> list[Values]:
    """The configured agents as values."""
    return [_listed(config, find, name) for name in config.agents]


def list_text(agents: Sequence[Values]) -> str:
    """The configured agents for people, and how to install those that are missing."""
    head = ("agent", "preset", "command", "resume", "permissions", "mode", "program")
    rows = [
        (
            f"{one['name']} (default)" if one["default"] else one["name"],
            one["preset"] or "",
            " ".join(one["command"]),
            one["resume"],
            one["permissions"],
            one["mode"] or "",
            "found" if one["found"] else "NOT FOUND",
        )
        for one in agents
    ]
    missing = [
        f"{one['name']}: install it with `{one['install']}`, or write its full path into its command"
        for one in agents
        if not one["found"] and one["install"]
    ]
    return "\n".join([_table((head, *rows)), *(["", *missing] if missing else [])])


def checked(config: Config, found: Findings, command: Sequence[str]) -> Values:
    """What was found out about one agent as values, without secrets and whole session ids."""
    can, offer = found.abilities, found.offer
    model = next((one for one in offer.options if "model" in (one.category, one.id)), None)
    values = {
        "agent": found.agent,
        "ok": not found.problem,
        "problem": found.problem or None,
        "advice": found.advice or None,
        "said": found.said or None,
        "preset": config.agents[found.agent].preset,
        "command": list(command),
        "name": (can and can.name) or None,
        "version": (can and can.version) or None,
        "start_seconds": _rounded(found.start),
        "new_seconds": _rounded(found.new),
        "answer_seconds": _rounded(found.answer),
        "load_seconds": _rounded(found.load),
        "can_load": can and can.load,
        "can_close": can and can.close,
        "takes_images": can and can.image,
        "takes_audio": can and can.audio,
        "mode": offer.mode or None,
        "modes": [mode.id for mode in offer.modes],
        "model": model and model.current,
        "models": [choice.id for choice in model.choices] if model else [],
        "options": {one.id: one.current for one in offer.options if one is not model},
        "commands": len(offer.commands),
        "resume": found.rung,
        "resume_reason": found.why or None,
        "session": redacted(found.agent_session_id) if found.agent_session_id else None,
        "memory_mb": found.memory and round(found.memory / MB),
        "processes": found.processes,
        "left_behind": found.left,
    }
    strike = Redaction((*config.secrets(), found.agent_session_id))
    return cast("Values", strike(None, "", values))


def check_text(values: Values) -> str:
    """What was found out about one agent for people; the last line is the verdict."""
    lines = [(label, text) for label, text in _lines(values) if text]
    width = max(len(label) for label, _ in lines)
    body = [f"  {label.ljust(width)}  {_printable(text)}" for label, text in lines]
    return "\n".join([values["agent"], *body, _printable(f"  {_verdict(values)}")])


def as_json(values: object) -> str:
    """JSON as the other commands print it."""
    return json.dumps(values, indent=2, ensure_ascii=False)


def command_of(config: Config, find: Finder, name: str) -> list[str]:
    """How an agent is started, without arguments that came from the environment or may be secrets."""
    agent = config.agents[name]
    if agent.command is None:
        return list(agent_spec(config, name).command)
    places = [("agents", name, "command", index) for index in range(1, len(agent.command))]
    return [agent.command[0], *(_shown(find(place)[1]) for place in places)]


def _listed(config: Config, find: Finder, name: str) -> Values:
    agent, spec = config.agents[name], agent_spec(config, name)
    return {
        "name": name,
        "default": name == config.default_agent,
        "preset": agent.preset,
        "command": command_of(config, find, name),
        "resume": agent.resume,
        "permissions": agent.permissions,
        "mode": agent.mode,
        "found": find_command(spec, environment(spec, "", os.environ)) is not None,
        "install": PRESETS[agent.preset].install if agent.preset else None,
    }


def _shown(described: str) -> str:
    """The text in the words of a finder, which tell no secret."""
    return described.removeprefix('found "').removesuffix('"') if described.startswith('found "') else "…"


def _lines(values: Values) -> Iterable[tuple[str, str]]:
    preset = f" (preset {values['preset']})" if values["preset"] else ""
    yield "command", " ".join(values["command"]) + preset
    yield "calls itself", f"{values['name'] or ''} {values['version'] or ''}".strip()
    yield "start", _seconds(values["start_seconds"])
    yield "new session", _seconds(values["new_seconds"])
    yield "first answer", _seconds(values["answer_seconds"])
    yield "loading", _seconds(values["load_seconds"])
    if values["can_load"] is not None:
        able = [word for word, can in (("load", values["can_load"]), ("close", values["can_close"])) if can]
        yield "sessions", f"can {' and '.join(able)} them" if able else "can neither load nor close them"
        media = (("images", values["takes_images"]), ("recordings", values["takes_audio"]))
        whole = [word for word, takes in media if takes]
        yield (
            "files",
            f"takes {' and '.join(whole)}; is given links to the rest" if whole else "is given links",
        )
    yield "modes", _choice(values["mode"], values["modes"])
    yield "models", _choice(values["model"], values["models"])
    yield "options", ", ".join(f"{key} (now {value})" for key, value in values["options"].items())
    yield "commands", str(values["commands"]) if values["memory_mb"] is not None else ""
    if values["memory_mb"] is not None:
        number = values["processes"]
        yield "memory", f"{values['memory_mb']} MB in {number} process{'' if number == 1 else 'es'}"
    if values["resume_reason"]:
        yield "resume", f"{values['resume'] or 'unknown'}: {values['resume_reason']}"
    if values["start_seconds"] is not None:
        yield "left behind", ", ".join(values["left_behind"]) or "nothing"
    yield "details", values["said"] or ""


def _verdict(values: Values) -> str:
    if not values["ok"]:
        return f"PROBLEM: {values['problem'].rstrip('.')}. What to do: {values['advice']}."
    if values["resume"] == "native":
        return "All is well: after a restart it goes on with its own memory."
    if values["resume"] == "bootstrap":
        return "All is well: after a restart it is given the transcript."
    return "It starts and opens a session. What it remembers after a restart was not tried."


def _choice(current: str | None, ids: Sequence[str]) -> str:
    return f"{', '.join(ids)}{f' (now {current})' if current else ''}" if ids else ""


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.2f} s"


def _table(lines: Sequence[Sequence[str]]) -> str:
    cells = [[_cut(_printable(cell)) for cell in line] for line in lines]
    widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))]
    cells.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in cells
    )


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _printable(text: str) -> str:
    """Nothing that an agent says moves the cursor of an operator's terminal."""
    return "".join(c if c.isprintable() else " " for c in text)
