"""What is used of discord.py: the websocket of the gateway, and nothing that is shared between accounts.

Its client, its HTTP and its models of chats are left aside: they keep every guild in memory, repeat requests
and hand each event to a task of its own, which loses the order. The websocket brings what is hard: heartbeats
on a thread of their own, compression, sequence numbers, resuming, and what each close code means.
"""

import sys
import warnings
import zlib

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # its voice needs a module that Python gives up
    from discord import Intents, __version__
    from discord.errors import ConnectionClosed
    from discord.gateway import DiscordWebSocket, ReconnectWebSocket
    from discord.http import Route

__all__ = [
    "DEFAULT_API",
    "GARBLED",
    "VERSION",
    "ConnectionClosed",
    "DiscordWebSocket",
    "Intents",
    "ReconnectWebSocket",
]

VERSION = __version__
DEFAULT_API = Route.BASE


def _errors_of_zstd() -> list[type[Exception]]:
    """Of the packages that discord.py would take; it imports one that is there."""
    modules = [sys.modules.get(name) for name in ("zstandard", "compression.zstd")]
    return [module.ZstdError for module in modules if module is not None]


GARBLED = (ValueError, KeyError, TypeError, AttributeError, zlib.error, *_errors_of_zstd())
"""What discord.py raises, unforeseen, when the gateway sends something that makes no sense."""
