"""Answers become the text of a config file, and the files of its secrets."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gateway.agents.presets import PRESETS
from gateway.init.answers import DEMO, AccountAnswer, Answers
from gateway.rules.words import one_line

_PLAIN = re.compile(r"(?:\.{0,2}/|~/)[A-Za-z0-9_./-]*", re.ASCII)

_HEAD = """\
# Made by `carryon init`. It may be edited; `carryon check` then says whether it can still be used, and
# `carryon doctor` whether everything around it is as it has to be. Every other key, with its meaning, is in
# config/gateway.yaml of the project.
"""


@dataclass(frozen=True, slots=True)
class Composed:
    """The config file, and the content of each secret's file by its name in the folder of secrets."""

    config: str
    secrets: Mapping[str, str] = field(repr=False)


def compose(answers: Answers, folder: str) -> Composed:
    """The texts. `folder` is where the secrets will be, as seen from the config file."""
    lines = [
        _HEAD,
        "# The ledger, the agents' logs and working directories. One gateway per directory. A relative path",
        "# starts at this file's directory.",
        f"state_dir: {_text(answers.state_dir)}",
        "",
        f"# The bots. Their tokens are in {folder}, a file for each, which only their owner can",
        "# read. A token may also come from the environment: token: ${NAME_OF_THE_VARIABLE}",
        "accounts:",
        *(line for account in answers.accounts for line in _account(account, folder)),
        "",
        *_agent(answers.agent),
        "",
        *_access(answers),
    ]
    secrets = {_file(one, key): value for one in answers.accounts for key, value in one.secrets.items()}
    return Composed("\n".join(lines) + "\n", secrets)


def _account(account: AccountAnswer, folder: str) -> Iterator[str]:
    if account.name:
        yield f"  # {one_line(account.name, 80)}"
    yield f"  {account.platform}:"
    yield f"    platform: {account.platform}"
    for key in account.secrets:
        yield f"    {key}: ${{file:{folder}/{_file(account, key)}}}"
    if account.api_url is not None:
        yield f"    api_url: {_text(account.api_url)}"


def _agent(agent: str) -> Iterator[str]:
    yield "# What answers. `carryon agents check` tries it."
    yield "agents:"
    yield f"  {agent}:"
    if agent == DEMO:
        yield "    # For trying out: it needs no key and no network, and says little more than it was told."
        yield "    command: [carryon-demo-agent]"
        yield "    processes: shared"
    else:
        yield f"    # Installed with: {PRESETS[agent].install}"
        yield f"    preset: {agent}"
        yield "    # It uses the login of the user that the gateway runs as, or a key that it is given here,"
        yield "    # as the gateway's own environment is not passed on:"
        yield '    # env: {NAME_OF_THE_KEY: "${NAME_OF_THE_KEY}"}'
        yield "    # Its working directory; {session} stands for the conversation. Without it, a new one for"
        yield "    # each conversation in state_dir."
        yield "    # cwd: ./workspaces/{session}"
    yield f"default_agent: {agent}"


def _access(answers: Answers) -> Iterator[str]:
    yield "access:"
    yield "  # What happens to people who are not named below. pair: they are given a code, and are let in by"
    yield "  # `carryon pair approve CODE`. deny: they are refused. allow: everybody may use the bot."
    yield f"  default: {'pair' if answers.pairing else 'deny'}"
    yield '  # People who may use the bot, as "account:id".'
    yield "  allow: []"
    yield "  # People who may also give it orders, such as /restart."
    yield f"  admins: [{', '.join(map(_text, answers.admins))}]"
    yield "  groups:"
    yield "    # Which messages in groups are answered: mention, always or never."
    yield "    respond: mention"


def _file(account: AccountAnswer, key: str) -> str:
    return f"{account.platform}-{key.replace('_', '-')}"


def _text(value: str) -> str:
    """A value of YAML that means exactly this text."""
    escaped = value.replace("$", "$$")
    return escaped if _PLAIN.fullmatch(escaped) else json.dumps(escaped, ensure_ascii=False)
