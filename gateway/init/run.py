"""The command: what is known is completed by asking, tried out, and written."""

import sys
from collections.abc import Mapping
from pathlib import Path
from shlex import quote

import typer

from gateway import log
from gateway.agents.presets import PRESETS
from gateway.errors import CarryonError, UsageError
from gateway.init.answers import DEMO, PLATFORMS, STATE_DIR, AccountAnswer, Answers
from gateway.init.interview import examined, installed, interview
from gateway.init.trial import MalformedError, formed
from gateway.init.wishes import Wishes, missing
from gateway.init.write import Written, write


def main(config: Path, given: Wishes, environ: Mapping[str, str], *, asking: bool, force: bool) -> None:
    """The command. Raises `CarryonError` and `typer.Abort`; then nothing was changed."""
    log.configure("auto", "error", given.tokens.values())
    if asking and sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]  (the caller closed it)
        raise UsageError("standard input is closed, so nothing can be asked; open it, or ask nothing: --yes")
    _may_be_written(config, asking=asking, force=force)
    try:
        answers = interview(given, environ) if asking else unasked(given)
    except MalformedError as error:
        raise UsageError(f"--api-url: {error}") from None
    written = write(answers, config, environ)
    typer.echo(_next(answers, written, config, environ))


def unasked(given: Wishes) -> Answers:
    """The answers without asking anybody. Raises `CarryonError` where something is missing, or refused."""
    if not given.platforms:
        raise UsageError("--yes asks nothing, so a platform has to be named: --platform telegram")
    if absent := list(missing(given)):
        how = "set it in the environment, or name a file that holds it with --token-file"
        raise UsageError(f"there is no {absent[0]}; {how} {absent[0]}=FILE (- is standard input)")
    accounts = tuple(_account(name, given) for name in given.platforms)
    return Answers(accounts, given.agent or DEMO, given.admins, True, given.state_dir or STATE_DIR)


def _account(platform: str, given: Wishes) -> AccountAnswer:
    facts, api_url = PLATFORMS[platform], given.api_urls.get(platform)
    values = {one.key: given.tokens[one.variable] for one in facts.secrets}
    try:
        account = formed(platform, values, api_url)
    except MalformedError as error:
        names = {one.key: one.variable for one in facts.secrets}
        raise UsageError(f"{names.get(error.key, '--api-url')}: {error}") from None
    if given.offline:
        return AccountAnswer(platform, values, api_url)
    typer.echo(facts.title)
    name = examined(platform, account)
    if not name:
        raise CarryonError(
            f"nothing was written, as {facts.title} did not accept the account; what it said is above; "
            "--offline writes the config without asking it"
        )
    return AccountAnswer(platform, values, api_url, name)


def _may_be_written(config: Path, *, asking: bool, force: bool) -> None:
    if config.is_dir():
        raise UsageError(f"{config} is a directory; name a file, such as {config / 'gateway.yaml'}")
    if not config.exists() or force:
        return
    if not asking:
        raise CarryonError(
            f"{config} is there already; --force replaces it, and keeps it as {config.name}.bak"
        )
    question = f"{config} is there already. Replace it (it is kept as {config.name}.bak)?"
    typer.confirm(question, default=False, abort=True)


def _next(answers: Answers, written: Written, config: Path, environ: Mapping[str, str]) -> str:
    carryon = f"carryon -c {quote(str(config))}"
    lines = [
        "",
        f"Written: {config}, and the tokens in {written.folder.name} beside it, which only you can read.",
        *(f"What was there before is kept: {one}" for one in written.backups),
        "",
        "Next:",
    ]
    if answers.agent != DEMO:
        if not installed(environ)[answers.agent]:
            lines.append(f"  {PRESETS[answers.agent].install}")
        lines.append(f"  {carryon} agents check   # is it logged in, and does it remember?")
    lines += [f"  {carryon} doctor   # is all well?", f"  {carryon} run"]
    names = " and ".join(
        f"{one.name or 'your bot'} on {PLATFORMS[one.platform].title}" for one in answers.accounts
    )
    lines.append(f"Then write to {names}.")
    if not answers.admins:
        lines.append(f"You are given a code; `{carryon} pair approve CODE --admin` lets you in.")
    lines.append("To run it as a service: deploy/systemd/README.md of the project.")
    return "\n".join(lines)
