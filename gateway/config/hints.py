"""What people probably meant who wrote a key or a value that is not allowed."""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import cast

from pydantic import BaseModel

from adapters.registry import PLATFORMS, manifest
from gateway.config.models import AgentConfig, Config, Place

_CALLED = {  # what other programs call it
    ("args", "arguments", "params"): "write arguments behind the program: command: [program, argument]",
    ("model", "models"): "write options: {model: …} into the agent",
    ("users", "allowed_users", "allowlist", "whitelist", "allow_from"): "people are listed in access.allow",
    ("admin", "owner", "owners"): "administrators are listed in access.admins",
    (
        "workdir",
        "working_dir",
        "working_directory",
        "directory",
        "workspace",
    ): "an agent's directory is its cwd",
    ("environment", "envs"): "variables are written into env, as name: value",
    ("type", "kind", "provider"): "an account has a platform, an agent may have a preset",
    ("secret", "api_token", "bot_key"): "an account's secret is its token; Slack has bot_token and app_token",
    ("api_key", "apikey"): "an agent's key is one of the variables in its env",
    ("url", "base_url", "endpoint", "server"): "another server is named in an account's api_url",
    ("port", "host", "bind", "address"): "the address to listen on is http.listen",
    ("log_level", "loglevel", "verbosity", "debug"): "how much is logged is log.level",
    ("database", "db", "dsn"): "the database is store.url",
    ("timeout",): "there are several: agents have turn_idle_timeout and start_timeout",
    ("name", "id"): "a name is written before the section: NAME: and its keys below it",
}
_QUOTES = "\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u00ab\u00bb"
_ELSEWHERE = re.compile(r"\$[A-Za-z_][A-Za-z0-9_]*|%[A-Za-z_][A-Za-z0-9_]*%|.*\{\{.*\}\}.*", re.DOTALL)


def suggest(word: str, allowed: Iterable[str]) -> str:
    """`; did you mean "x"?` where one of the allowed words is close."""
    close = get_close_matches(word.lower(), list(allowed), n=1, cutoff=0.6)
    return f'; did you mean "{close[0]}"?' if close else ""


def unknown_key(place: Place, allowed: Sequence[str]) -> str:
    """What to do about a key that is not among the allowed ones of its section."""
    key = str(place[-1])
    plain = key.strip(_QUOTES + "\"'").lower()
    if plain in allowed:
        return f'; did you mean "{plain}"?'
    if "." in key and tuple(key.split(".")) in set(_paths(Config, ())):
        section, _, last = key.rpartition(".")
        return f"; write {section.replace('.', ': and below it ')}: and below it {last}: …"
    if ":" in key:
        return "; if this is a key and its value, a space is missing behind the colon"
    if plain != key.lower():
        return suggest(plain, allowed) or "; remove the quotes"
    home = _home(plain, place)
    called = next((f"; {advice}" for words, advice in _CALLED.items() if plain in words), "")
    return (f"; it belongs into {home}" if home else called or suggest(key, allowed)) or "; remove it"


def _home(key: str, place: Place) -> str:
    """The section that has such a key."""
    if place[0] != "accounts" and any(key in manifest(p).account_model.model_fields for p in PLATFORMS):
        return "an account: below accounts and the account's name"
    found = next((path for path in _paths(Config, ()) if path[-1] == key), None)
    if found and found[:-1] and found[:-1] != place[:-1]:
        return ".".join(found[:-1])
    if found and place[:-1]:
        return "the outermost level"
    if place[0] != "agents" and key in AgentConfig.model_fields:
        return "an agent: below agents and the agent's name"
    return ""


def _paths(model: type[BaseModel], above: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        yield (*above, name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _paths(field.annotation, (*above, name))


def for_value(value: object, place: Place) -> str:
    """What is odd about a value that was refused, without a word of it; empty where nothing is."""
    match value:
        case str() if value[:1] and value[0] in _QUOTES:
            return '; these are typographic quotes: write straight ones (")'
        case str() if names_variable(value):
            return "; if a variable is meant, write ${NAME}"
        case dict() if place[0] == "access" and len(cast("dict[str, object]", value)) == 1:
            return '; no space behind the colon, or quotes: "account:user"'
        case _:
            return ""


def for_section(value: object, place: Place) -> str:
    """What to do where keys belong and something else was found."""
    if isinstance(value, list):
        return "write NAME: before each entry instead of -, and indent its keys below it"
    models = {"accounts": [manifest(p).account_model for p in PLATFORMS], "agents": [AgentConfig]}
    if len(place) == 2 and any(
        str(place[1]) in model.model_fields for model in models.get(str(place[0]), [])
    ):
        one = "account" if place[0] == "accounts" else "agent"
        return f"{place[1]} is a key of an {one}: write a name for the {one}, and indent its keys below it"
    return "indent keys below it, or remove it"


def names_variable(*texts: str) -> bool:
    """Whether one of the texts is a variable as shells or templates write it."""
    return any(_ELSEWHERE.fullmatch(text) for text in texts)
