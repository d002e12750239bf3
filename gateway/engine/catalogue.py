"""Which commands there are: the one table behind the help, the lists that platforms show, and other names."""

from collections.abc import Mapping

from gateway.model.command import CommandInfo

INFOS = (
    CommandInfo("new", "begin a new conversation, with this request if there is one", "text"),
    CommandInfo("stop", "stop what the agent is doing"),
    CommandInfo("status", "what is going on here"),
    CommandInfo("retry", "ask the last request again"),
    CommandInfo("queue", "what waits here; drop 2 takes the second back, clear all that is yours", "action"),
    CommandInfo("resume", "go on with what was cut short, or bring an earlier conversation back", "number"),
    CommandInfo("approve", "allow what the agent asks for, once or always", "always"),
    CommandInfo("deny", "refuse what the agent asks for, once or always", "always"),
    CommandInfo("agent", "the agents, and which one answers here", "name"),
    CommandInfo("mode", "how the agent goes about its work", "name"),
    CommandInfo("model", "the model that the agent uses", "name"),
    CommandInfo("usage", "what this conversation has cost so far"),
    CommandInfo("whoami", "who you are to this bot, and what you may do"),
    CommandInfo("restart", "restart the gateway (administrators)"),
    CommandInfo("help", "this text"),
)
"""In the order in which people need them."""

ALIASES: Mapping[str, str] = {"reset": "new", "cancel": "stop", "start": "help"}
"""Other names, and what they stand for."""

RENEWING = frozenset({"new", *(alias for alias, name in ALIASES.items() if name == "new")})
"""Commands after which a new conversation begins; the ledger sees to it when it accepts them."""


def _line(info: CommandInfo) -> str:
    argument = f" [{info.argument}]" if info.argument else ""
    also = "".join(f" (also /{alias})" for alias, name in ALIASES.items() if name == info.name)
    return f"/{info.name}{argument}: {info.description}{also}"


HELP = "\n".join(
    [
        "This bot passes what you write to an agent and sends back its answer.",
        *(_line(info) for info in INFOS),
    ]
)
