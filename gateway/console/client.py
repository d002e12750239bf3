"""The command line's end of the control socket."""

import http.client
import json
import socket
from pathlib import Path
from typing import Any, cast

from gateway.console.address import socket_path
from gateway.errors import CarryonError

_SECONDS = 30.0


class NotRunningError(Exception):
    """No gateway answers on this state directory."""


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket: all that differs is how the connection is made."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_SECONDS)
        self.sock.connect(str(self._path))


def ask(state_dir: Path, verb: str, path: str, body: dict[str, object] | None = None) -> dict[str, Any]:
    """One request to the running gateway; its answer.

    Raises `NotRunningError` when there is none, and `CarryonError` when one took a request to do something
    and said nothing: nobody knows then whether it is done.
    """
    connection = _UnixConnection(socket_path(state_dir))
    try:
        connection.request(verb, path, json.dumps(body or {}), {"Content-Type": "application/json"})
        return cast("dict[str, Any]", json.loads(connection.getresponse().read()))
    except TimeoutError as error:
        if verb == "GET":
            raise NotRunningError(str(error)) from None
        raise CarryonError(
            f"the gateway on {state_dir} did not answer within {_SECONDS:g} s; what was asked of it may "
            "still be done when it goes on: `carryon status` tells how it is"
        ) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotRunningError(str(error)) from None
    finally:
        connection.close()
