"""The Agent Client Protocol's library, imported for a third of its price.

It describes the protocol in some three hundred pydantic models, builds the validator of each while it is
imported, and reads its own source for their descriptions. Here none is built by the import, and each by its
first use (a process of an agent needs a tenth); descriptions, which nobody asks for, are left out.
Everything in this package that uses the library takes it from here.
"""

import gc
from collections.abc import Generator
from contextlib import contextmanager
from typing import cast

import pydantic
from pydantic import BaseModel, ConfigDict


def _config(**wanted: object) -> ConfigDict:
    wanted.pop("use_attribute_docstrings", None)
    return cast("ConfigDict", wanted)


@contextmanager
def _unbuilt() -> Generator[None]:
    """Models that are made inside are built by their first use; put back whatever happens.

    The collector rests too: what an import makes lives long, and it would be walked again and again.
    """
    config = BaseModel.model_config
    collecting = gc.isenabled()
    type.__setattr__(BaseModel, "model_config", ConfigDict(defer_build=True))
    setattr(pydantic, "ConfigDict", _config)  # noqa: B010  what the library imports by this name
    gc.disable()
    try:
        yield
    finally:
        type.__setattr__(BaseModel, "model_config", config)
        setattr(pydantic, "ConfigDict", ConfigDict)  # noqa: B010
        if collecting:
            gc.enable()


with _unbuilt():
    import acp
    from acp import schema

__all__ = ["acp", "schema"]
