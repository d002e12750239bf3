"""What people are called, asked of Slack once each.

A name is a courtesy: it is not waited for long, and when it cannot be had, the id has to do.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, cast

from adapters.slack.client import CallError, Client, RefusedError
from adapters.slack.payload import one_line
from gateway.ports import Clock

PATIENCE_SECONDS = 1.5
"""How long one message waits for names."""

QUIET_SECONDS = 30.0
"""How long nobody is asked for after it failed."""

_KEPT = 4096


class Names:
    """Names by user id, the ones used last."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._known: OrderedDict[str, str] = OrderedDict()
        self._quiet_until = float("-inf")
        self.enabled = True

    async def of(self, people: Iterable[str]) -> Mapping[str, str]:
        """Those that are known within a short while; people without a name are left out."""
        wanted = [one for one in people if one.startswith(("U", "W"))]
        missing = [one for one in wanted if one not in self._known]
        if missing and self.enabled and self._clock.monotonic() >= self._quiet_until:
            try:
                async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as tasks:
                    for one in missing:
                        tasks.create_task(self._learn(one))
            except TimeoutError:
                self._quiet_until = self._clock.monotonic() + QUIET_SECONDS
        return {one: self._known[one] for one in wanted if self._known.get(one)}

    async def _learn(self, user_id: str) -> None:
        try:
            answer = await self._client.read("users.info", user=user_id)
        except RefusedError as error:
            self.enabled = error.word != "missing_scope"
            self._keep(user_id, "")
        except CallError:
            self._quiet_until = self._clock.monotonic() + QUIET_SECONDS
        else:
            self._keep(user_id, _name(answer.get("user")))

    def _keep(self, user_id: str, name: str) -> None:
        self._known[user_id] = name
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)


def _name(user: object) -> str:
    fields = cast("dict[str, Any]", user) if isinstance(user, dict) else {}
    profile = fields.get("profile")
    shown = cast("dict[str, Any]", profile) if isinstance(profile, dict) else {}
    for name in (
        shown.get("display_name"),
        shown.get("real_name"),
        fields.get("real_name"),
        fields.get("name"),
    ):
        if isinstance(name, str) and name.strip():
            return one_line(name)
    return ""
