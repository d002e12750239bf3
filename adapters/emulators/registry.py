"""Platform name → emulator."""

from collections.abc import Callable
from importlib import import_module
from typing import cast

from adapters.emulators.playground import Playground
from adapters.emulators.server import EmulatorServer

_MODULES = {
    "telegram": "adapters.emulators.telegram:TelegramEmulator",
    "discord": "adapters.emulators.discord:DiscordEmulator",
    "slack": "adapters.emulators.slack:SlackEmulator",
}

PORTS = {"telegram": 8081, "discord": 8082, "slack": 8083}
"""The port that each listens on unless another one is named."""

PLATFORMS = tuple(_MODULES)


class Emulator(EmulatorServer):
    """What every emulator is: a server with people to be played."""

    playground: Playground


def emulator(platform: str, port: int = 0) -> Emulator:
    """An emulator that takes any token of valid shape and knows no rate limits; it is not started yet."""
    module, _, name = _MODULES[platform].partition(":")
    made = getattr(import_module(module), name).without_limits(port)  # pyright: ignore[reportAny]
    return cast("Emulator", made)


def program(platform: str) -> Callable[[list[str]], None]:
    """The platform's `main`, which takes the arguments of a command line."""
    module, _, _ = _MODULES[platform].partition(":")
    return cast("Callable[[list[str]], None]", import_module(module).main)
