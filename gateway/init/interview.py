"""What is asked of a person. What the command line said already is not asked again.

Tokens are not shown while they are typed, where there is a terminal that would show them.
"""

import sys
from collections.abc import Callable, Mapping
from typing import TypeVar

import typer

from adapters.manifest import Account
from gateway.agents.environment import environment, find_command
from gateway.agents.presets import PRESETS
from gateway.agents.spec import AgentSpec
from gateway.init.answers import DEMO, PLATFORMS, STATE_DIR, AccountAnswer, Answers, SecretKey
from gateway.init.trial import MalformedError, fault, formed, tried
from gateway.init.wishes import Wishes
from gateway.model.finding import Level
from gateway.rules.words import one_line

AGAIN, NEW, KEEP = "again", "new", "keep"

T = TypeVar("T")


def interview(given: Wishes, environ: Mapping[str, str]) -> Answers:
    """Ask, until all is known. Raises `typer.Abort` where nobody answers any more."""
    platforms = given.platforms or _platforms()
    accounts = tuple(_account(name, given, environ) for name in platforms)
    agent = given.agent or _agent(environ)
    admins = given.admins or _admins(platforms)
    pairing = True
    if admins and not given.admins:
        pairing = typer.confirm("May others ask to be let in, with a code that you approve?", default=True)
    state_dir = given.state_dir or _asked(
        "Where is the ledger to be kept (relative to the config file)?", STATE_DIR, lambda text: text
    )
    return Answers(accounts, agent, admins, pairing, state_dir)


def _platforms() -> tuple[str, ...]:
    known = ", ".join(PLATFORMS)

    def read(text: str) -> tuple[str, ...] | None:
        names = tuple(dict.fromkeys(text.lower().replace(",", " ").split()))
        if names and all(name in PLATFORMS for name in names):
            return names
        typer.echo(f"  Of these, please: {known}")
        return None

    return _asked(f"Which platforms, with commas between ({known})?", "telegram", read)


def _account(platform: str, given: Wishes, environ: Mapping[str, str]) -> AccountAnswer:
    facts, api_url = PLATFORMS[platform], given.api_urls.get(platform)
    typer.echo(f"\n{facts.title}")
    values = {
        one.key: given.tokens[one.variable]
        for one in facts.secrets
        if one.variable in given.tokens and _may_use(one.variable, given, environ)
    }
    while True:
        for one in facts.secrets:
            if one.key not in values:
                values[one.key] = _token(platform, one)
        try:
            account = formed(platform, values, api_url)
        except MalformedError as error:
            typer.echo(f"  That cannot be it: {error}.")
            if error.key not in values:
                raise  # not a token: an address of the command line
            del values[error.key]
            continue
        if given.offline:
            return AccountAnswer(platform, values, api_url)
        name = examined(platform, account)
        if name:
            return AccountAnswer(platform, values, api_url, name)
        what = _what_now()
        if what == KEEP:
            return AccountAnswer(platform, values, api_url)
        if what == NEW:
            values = {}


def examined(platform: str, account: Account) -> str:
    """Try an account out and say what came of it; what people call the bot, empty if it is not accepted."""
    typer.echo(f"  Asking {PLATFORMS[platform].title} …")
    found = tried(platform, account)
    name = one_line(found.name, 80)
    if name:
        typer.echo(f"  That is {name}.")
    for one in found.findings:
        if one.level is not Level.OK:
            advice = f". What to do: {one.advice}" if one.advice else ""
            typer.echo(f"  {one.level.capitalize()}: {one_line(one.found + advice, 600)}")
    return name


def _may_use(variable: str, given: Wishes, environ: Mapping[str, str]) -> bool:
    """A token from a file was named; one that merely lies in the environment may be for something else."""
    if environ.get(variable, "").strip() != given.tokens[variable]:
        return True
    return typer.confirm(f"  {variable} is set in the environment. Is that the one?", default=True)


def _token(platform: str, secret: SecretKey) -> str:
    def read(text: str) -> str | None:
        value = text.strip()
        wrong = fault(platform, secret.key, value)
        if wrong:
            typer.echo(f"  That cannot be it: {wrong}.")
        return None if wrong else value

    typer.echo(f"  To get one: {secret.where}.")
    hidden = sys.stdin.isatty()
    typed = " (it is not shown)" if hidden else ""
    return _asked(f"  {secret.key}{typed}", None, read, hidden=hidden)


def _what_now() -> str:
    def read(text: str) -> str | None:
        found = [one for one in (AGAIN, NEW, KEEP) if text and one.startswith(text.strip().lower())]
        return found[0] if found else None

    words = f"  Ask {AGAIN}, type {NEW} tokens, or {KEEP} these as they are?"
    return _asked(words, NEW, read)


def installed(environ: Mapping[str, str]) -> Mapping[str, bool]:
    """The agents that can be chosen, and whether their programs are there."""
    commands = {DEMO: ("carryon-demo-agent",), **{name: one.command for name, one in PRESETS.items()}}
    found: dict[str, bool] = {}
    for name, command in commands.items():
        spec = AgentSpec(name, command)
        found[name] = find_command(spec, environment(spec, "", environ)) is not None
    return found


def _agent(environ: Mapping[str, str]) -> str:
    there = installed(environ)
    typer.echo("\nAgents")
    for name, is_there in there.items():
        words = "installed" if is_there else f"not installed: {PRESETS[name].install}"
        what = " (for trying out; needs no key)" if name == DEMO else ""
        typer.echo(f"  {name:<10} {words}{what}")
    best = next((name for name, is_there in there.items() if is_there and name != DEMO), DEMO)

    def read(text: str) -> str | None:
        if text.strip() in there:
            return text.strip()
        typer.echo(f"  One of these, please: {', '.join(there)}")
        return None

    return _asked("Which one is to answer?", best, read)


def _admins(platforms: tuple[str, ...]) -> tuple[str, ...]:
    typer.echo("\nPeople\n  Whom you do not name here is given a code, and let in when you approve it.")
    found: list[str] = []
    for name in platforms:
        facts = PLATFORMS[name]

        def read(text: str, name: str = name) -> str | None:
            ident = text.strip().removeprefix(f"{name}:")
            if not ident or PLATFORMS[name].person.fullmatch(ident):
                return ident
            typer.echo(f"  That is no id of {PLATFORMS[name].title}: it is {PLATFORMS[name].whose}.")
            return None

        asked = f"Your own id on {facts.title} ({facts.whose}), or nothing"
        if ident := _asked(asked, "", read):
            found.append(f"{name}:{ident}")
    return tuple(found)


def _asked(words: str, default: str | None, read: Callable[[str], T | None], *, hidden: bool = False) -> T:
    """Ask until there is an answer that can be read."""
    while True:
        text: str = typer.prompt(words, default=default, hide_input=hidden, show_default=bool(default))
        answer = read(text)
        if answer is not None:
            return answer
