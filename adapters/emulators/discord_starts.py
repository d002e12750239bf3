"""How sessions of the gateway start: who may start one, how many, and what they are greeted with.

Starts are counted because the platform counts them: a bot that crashes and identifies without end loses its
token.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.emulators.discord_sessions import KNOWN_INTENTS, Session
from adapters.emulators.events import JsonObject

if TYPE_CHECKING:
    from adapters.emulators.discord import DiscordEmulator

# Codes that connections are closed with.
UNKNOWN_ERROR, UNKNOWN_OPCODE, DECODE_ERROR, NOT_AUTHENTICATED = 4000, 4001, 4002, 4003
AUTHENTICATION_FAILED, ALREADY_AUTHENTICATED, INVALID_SEQ, RATE_LIMITED = 4004, 4005, 4007, 4008
SESSION_TIMED_OUT, INVALID_VERSION = 4009, 4012
INVALID_SHARD, INVALID_INTENTS, DISALLOWED_INTENTS = 4010, 4013, 4014


class GatewayClose(Exception):  # noqa: N818 - a way out, not an error
    """The connection is to be closed with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"close {code}")
        self.code = code


@dataclass(slots=True)
class _Budget:
    left: int
    next_at: float = 0


class Starts:
    """What a session has to show to be started, how many may start, and what it is greeted with."""

    def __init__(self, emulator: "DiscordEmulator") -> None:
        self._emulator = emulator
        self._budget = _Budget(emulator.options.identify_limit)

    def check(self, given: JsonObject) -> int:
        """The intents of a valid IDENTIFY. Raises GatewayClose."""
        self.check_token(given)
        intents = given.get("intents")
        if not isinstance(given.get("properties"), dict):
            raise GatewayClose(DECODE_ERROR)
        if not isinstance(intents, int) or isinstance(intents, bool) or intents & ~KNOWN_INTENTS:
            raise GatewayClose(INVALID_INTENTS)
        if intents & self._emulator.refused_intents:
            raise GatewayClose(DISALLOWED_INTENTS)
        if given.get("shard") not in (None, [0, 1]):
            raise GatewayClose(INVALID_SHARD)
        return intents

    def check_token(self, given: JsonObject) -> None:
        token = given.get("token")
        if not isinstance(token, str) or not self._emulator.knows(token.removeprefix("Bot ")):
            raise GatewayClose(AUTHENTICATION_FAILED)

    def spend(self) -> bool:
        """Count a start; False when it comes too soon after another.

        Over the day's number the platform ends all sessions and resets the bot's token.
        """
        limits, now = self._emulator.api.limits, self._emulator.options.clock()
        if self._budget.left <= 0:
            self._emulator.reset_token()
            raise GatewayClose(AUTHENTICATION_FAILED)
        self._budget.left -= 1
        if limits.enabled and now < self._budget.next_at:
            return False
        self._budget.next_at = now + limits.identify_seconds / limits.scale
        return True

    def standing(self) -> JsonObject:
        """As /gateway/bot shows it."""
        return {
            "total": self._emulator.options.identify_limit,
            "remaining": self._budget.left,
            "reset_after": 86_400_000,
            "max_concurrency": 1,
        }

    def greeting(self, session: Session) -> list[tuple[str, JsonObject]]:
        """READY, and then each guild."""
        world, options = self._emulator.world, self._emulator.options
        guilds = [one for one in world.guilds.values() if one.bot_in]
        ready: JsonObject = {
            "v": 10,
            "user": {
                **world.bot.as_json(),
                "verified": True,
                "mfa_enabled": False,
                "email": None,
                "flags": 0,
            },
            "guilds": [{"id": str(one.id), "unavailable": True} for one in guilds],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": options.resume_url or self._emulator.gateway_url,
            "application": {"id": str(world.application_id), "flags": self._emulator.application_flags},
            "private_channels": [],
            "relationships": [],
            "_trace": [],
        }
        created = [("GUILD_CREATE", one.as_created(world.bot)) for one in guilds if session.intents & 1]
        return [("READY", ready), *created]
