"""The one place where the gateway speaks with the protocol's SDK.

Importing this module imports the SDK, which takes half a second: it is imported when the first agent is
started, not when the gateway is. SDK objects and exceptions do not leave it.
"""

import re
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from pydantic import ValidationError

from gateway import log
from gateway.agents.enclosures import Block, Link, Media
from gateway.agents.offers import ON, offered, options_of
from gateway.agents.outcomes import (
    INTERNAL_ERROR,
    AgentGoneError,
    AgentRefusedError,
    Finished,
    one_line,
    redacted,
)
from gateway.agents.protocol import acp, schema
from gateway.agents.transport import LineTransport
from gateway.agents.updates import Heard, permission_request, translate
from gateway.agents.usage import spent
from gateway.model.choices import AgentOffer, OptionOffer
from gateway.model.permission import PermissionRequest

if TYPE_CHECKING:
    from gateway.agents.updates import SessionUpdate

    AuthMethod = schema.EnvVarAuthMethod | schema.TerminalAuthMethod | schema.AuthMethodAgent

T = TypeVar("T")

_log = log.get()

_KEY_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*-api-key")
"""How agents that name no variables call logging in by a key, after the variable: `gemini-api-key`."""


class Listener(Protocol):
    """Who hears what the agent says."""

    def heard(self, agent_session_id: str, update: Heard) -> None:
        """The agent said something. Must not wait: waiting reorders what is heard."""
        ...

    async def asked(self, agent_session_id: str, request: PermissionRequest) -> str | None:
        """The agent asks for a permission: the chosen option's id, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Abilities:
    """What an agent said that it can do.

    `image` and `audio`: what a prompt may hold besides text and links. `keys` are the ways of logging it in
    that need nobody: the id of each, and the variables of its environment that have to be set for it.
    """

    load: bool = False
    close: bool = False
    name: str = ""
    version: str = ""
    image: bool = False
    audio: bool = False
    keys: tuple[tuple[str, tuple[str, ...]], ...] = ()


class _Client:
    """The client's side of the protocol, reduced to what this gateway offers: no files, no terminals.

    The SDK refuses what is not defined here, but for a terminal, which it would answer with null.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    async def session_update(self, session_id: str, update: "SessionUpdate", **_: object) -> None:
        if (heard := translate(update)) is not None:
            self._listener.heard(session_id, heard)

    async def request_permission(
        self,
        session_id: str,
        tool_call: schema.ToolCallUpdate,
        options: list[schema.PermissionOption],
        **_: object,
    ) -> schema.RequestPermissionResponse:
        chosen = await self._listener.asked(session_id, permission_request(tool_call, options))
        outcome = (
            schema.DeniedOutcome(outcome="cancelled")
            if chosen is None
            else schema.AllowedOutcome(outcome="selected", option_id=chosen)
        )
        return schema.RequestPermissionResponse(outcome=outcome)

    async def create_terminal(self, **_: object) -> None:
        raise acp.RequestError.method_not_found("terminal/create")


class AgentConnection:
    """Requests to one agent process. Each raises `AgentRefusedError` or `AgentGoneError`."""

    def __init__(self, listener: Listener, transport: LineTransport) -> None:
        client = cast("acp.Client", _Client(listener))
        self._connection = acp.connect_to_agent(client, transport, use_unstable_protocol=True)

    async def initialize(self) -> Abilities:
        """Shake hands. An agent that speaks another version of the protocol is refused in turn."""
        answer = await _asked(
            self._connection.initialize(
                protocol_version=acp.PROTOCOL_VERSION,
                client_capabilities=schema.ClientCapabilities(
                    session=schema.ClientSessionCapabilities(
                        config_options=schema.SessionConfigOptionsCapabilities(
                            boolean=schema.BooleanConfigOptionCapabilities()
                        )
                    )
                ),
                client_info=schema.Implementation(name="carryon", version="1"),
            )
        )
        if answer.protocol_version != acp.PROTOCOL_VERSION:
            raise AgentRefusedError(
                INTERNAL_ERROR,
                f"it speaks version {answer.protocol_version} of the Agent Client Protocol, "
                f"and this gateway speaks version {acp.PROTOCOL_VERSION}.",
            )
        info, can = answer.agent_info, answer.agent_capabilities
        name, version = (one_line(info.name, 80), one_line(info.version, 40)) if info else ("", "")
        keys = _keys(answer.auth_methods or ())
        if can is None:
            return Abilities(name=name, version=version, keys=keys)
        sessions, takes = can.session_capabilities, can.prompt_capabilities
        closes = sessions is not None and sessions.close is not None
        image, audio = (bool(takes.image), bool(takes.audio)) if takes else (False, False)
        return Abilities(bool(can.load_session), closes, name, version, image, audio, keys)

    async def authenticate(self, method: str) -> None:
        """Have the agent log itself in, in one of the ways that it offers."""
        await _asked(self._connection.authenticate(method_id=method))

    async def new_session(self, cwd: str) -> tuple[str, AgentOffer]:
        """A new session's id and what it offers."""
        answer = await _asked(self._connection.new_session(cwd=cwd, mcp_servers=[]))
        return answer.session_id, offered(answer)

    async def load_session(self, agent_session_id: str, cwd: str) -> AgentOffer:
        """Load a session. That this succeeds proves nothing; the replay does."""
        answer: Any = await _asked(
            self._connection.load_session(cwd=cwd, session_id=agent_session_id, mcp_servers=[]),
            agent_session_id,
        )
        return AgentOffer() if answer is None else offered(answer)

    async def set_mode(self, agent_session_id: str, mode: str) -> None:
        """Set a session's mode."""
        await _asked(
            self._connection.set_session_mode(session_id=agent_session_id, mode_id=mode), agent_session_id
        )

    async def set_option(
        self, agent_session_id: str, option: str, value: str, *, switch: bool
    ) -> tuple[OptionOffer, ...]:
        """Set a config option, `switch` for one that is on or off; all options after it."""
        answer = await _asked(
            self._connection.set_config_option(
                config_id=option, session_id=agent_session_id, value=(value == ON) if switch else value
            ),
            agent_session_id,
        )
        return options_of(answer.config_options)

    async def close_session(self, agent_session_id: str) -> None:
        """Let the agent free a session."""
        await _asked(self._connection.close_session(session_id=agent_session_id), agent_session_id)

    async def prompt(self, agent_session_id: str, blocks: Sequence[Block]) -> Finished:
        """Send a prompt and wait for its end.

        A stop reason that the SDK does not know makes it reject the answer; the turn is over all the same.
        """
        content: Any = [_content(block) for block in blocks]
        try:
            answer = await self._connection.prompt(session_id=agent_session_id, prompt=content)
        except acp.RequestError as error:
            raise AgentRefusedError(error.code, _said(error, agent_session_id)) from None
        except ConnectionError as error:
            raise AgentGoneError(f"the connection broke: {error}") from None
        except ValidationError as error:
            return Finished(_stop_reason(error))
        return Finished(answer.stop_reason, spent(answer.usage))

    async def cancel(self, agent_session_id: str) -> None:
        """Ask for the session's prompt to stop."""
        await _asked(self._connection.cancel(session_id=agent_session_id), agent_session_id)

    async def close(self) -> None:
        """Hang up. What still waits for an answer gets `AgentGoneError`."""
        await self._connection.close()


def _content(
    block: Block,
) -> (
    schema.TextContentBlock
    | schema.ImageContentBlock
    | schema.AudioContentBlock
    | schema.ResourceContentBlock
):
    match block:
        case str():
            return schema.TextContentBlock(type="text", text=block)
        case Media("image"):
            return schema.ImageContentBlock(
                type="image", data=block.data, mime_type=block.mime, uri=block.uri
            )
        case Media():
            return schema.AudioContentBlock(type="audio", data=block.data, mime_type=block.mime)
        case Link(uri, name, mime, size):
            return schema.ResourceContentBlock(
                type="resource_link", uri=uri, name=name, mime_type=mime or None, size=size
            )


def _keys(methods: "Iterable[AuthMethod]") -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The ways of logging in by a key alone: those that name its variables, and those whose id names it."""
    keys: list[tuple[str, tuple[str, ...]]] = []
    for method in methods:
        if isinstance(method, schema.EnvVarAuthMethod):
            needed = tuple(one.name for one in method.vars if not one.optional)
            keys += [(method.id, needed)] if needed else []
        elif isinstance(method, schema.AuthMethodAgent) and _KEY_ID.fullmatch(method.id):
            keys.append((method.id, (method.id.upper().replace("-", "_"),)))
    return tuple(keys)


async def _asked(request: Awaitable[T], agent_session_id: str = "") -> T:
    try:
        return await request
    except acp.RequestError as error:
        raise AgentRefusedError(error.code, _said(error, agent_session_id)) from None
    except ConnectionError as error:
        raise AgentGoneError(f"the connection broke: {error}") from None
    except ValidationError as error:
        raise AgentRefusedError(
            INTERNAL_ERROR, f"its answer was malformed: {one_line(str(error), 200)}"
        ) from None


_SHORTEST_ID = 8
"""Characters: what is shorter is no secret, and may stand in a text by chance."""


def _said(error: acp.RequestError, agent_session_id: str) -> str:
    """An error's message with the detail that agents hide in its data, without the id of their session."""
    text = str(error)
    data: Any = error.data
    if isinstance(data, dict):
        fields = cast("dict[str, Any]", data)
        data = fields.get("details") or fields.get("message") or fields.get("detail")
    if isinstance(data, str) and data and data not in text:
        text = f"{text}: {data}"
    if len(agent_session_id) >= _SHORTEST_ID:
        text = text.replace(agent_session_id, redacted(agent_session_id))
    return one_line(text)


def _stop_reason(error: ValidationError) -> str:
    for problem in error.errors():
        given: Any = problem["input"]
        if problem["loc"][:1] in (("stopReason",), ("stop_reason",)) and isinstance(given, str):
            return one_line(given, 60)
    _log.warning("agent.malformed_end")
    return "unknown"
