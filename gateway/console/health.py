"""Whether the gateway lives, and whether it is ready for people.

Alive is who answers: the gateway is one event loop, and a part of it that breaks ends it. A platform that is
down, or a full disk, is no reason to be killed and started anew, so it only makes the gateway unready.
"""

import json

from aiohttp import web

from gateway.console.readiness import reasons
from gateway.ports import Operations


def routes(operations: Operations) -> list[web.AbstractRouteDef]:
    """`/healthz` and `/readyz`."""

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def readyz(_request: web.Request) -> web.Response:
        found = reasons(operations.status())
        told = json.dumps({"ready": not found, "reasons": found}, indent=1) + "\n"  # a line for each reason
        return web.Response(text=told, content_type="application/json", status=503 if found else 200)

    return [web.get("/healthz", healthz), web.get("/readyz", readyz)]
