"""Platform name → manifest. A further adapter needs its folder and one line here.

Manifests are imported when they are asked for, SDKs only by `connector`.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from adapters.manifest import Account, Manifest

__all__ = ["PLATFORMS", "Account", "Manifest", "connector", "manifest"]

_MANIFESTS = {
    "telegram": "adapters.telegram.manifest",
    "discord": "adapters.discord.manifest",
    "slack": "adapters.slack.manifest",
}

PLATFORMS = tuple(_MANIFESTS)
"""The platforms that the config may name."""


def manifest(platform: str) -> Manifest:
    """The manifest of a platform; `KeyError` for one that is not in `PLATFORMS`."""
    found = import_module(_MANIFESTS[platform]).MANIFEST
    assert isinstance(found, Manifest), f"{_MANIFESTS[platform]}.MANIFEST is not a Manifest"
    return found


def connector(platform: str) -> Callable[..., Any]:
    """The platform's entry point. This imports its SDK: seconds, and a good part of the memory."""
    module, _, name = manifest(platform).connect.partition(":")
    return getattr(import_module(module), name)  # pyright: ignore[reportAny]
