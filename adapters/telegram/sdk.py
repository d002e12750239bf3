"""aiogram, imported for a sixth of its price.

aiogram describes the whole Bot API in some 600 pydantic models and builds the validator of nearly every one
while it is imported: about two seconds of CPU, of which this adapter needs a twentieth. So nothing is built
while aiogram is imported here, and `prepare` then builds the few models that are used, each with everything
beneath it. Other packages, and models made later, are not concerned.

If a model cannot be built on its own (a new version of aiogram), all are built as aiogram itself does it:
slow to start, but right. Code that uses a further type or method has to name it in a `prepare`.
"""

import gc
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Literal, Optional, Union, cast

from pydantic import BaseModel, ConfigDict
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError


@contextmanager
def _unbuilt() -> Generator[None]:
    """No model of aiogram is built inside.

    Two things build models: an explicit loop over `model_rebuild` at the end of `aiogram.types`, and the
    creation of a class that does not ask for `defer_build`. Both are switched off at the base class, and put
    back whatever happens. A model that another thread defines meanwhile is built at its first use instead of
    at once. The collector rests too: everything made here lives long, and it would be walked again and again.
    """
    if "aiogram" in sys.modules:
        yield
        return
    rebuild = BaseModel.__dict__["model_rebuild"]
    config = BaseModel.model_config
    collecting = gc.isenabled()

    def skip(cls: type[BaseModel], **options: object) -> bool | None:
        return None if cls.__module__.startswith("aiogram.") else rebuild.__func__(cls, **options)

    type.__setattr__(BaseModel, "model_rebuild", classmethod(skip))
    type.__setattr__(BaseModel, "model_config", ConfigDict(defer_build=True))
    gc.disable()
    try:
        yield
    finally:
        type.__setattr__(BaseModel, "model_rebuild", rebuild)
        type.__setattr__(BaseModel, "model_config", config)
        if collecting:
            gc.enable()


with _unbuilt():
    from aiogram import types
    from aiogram.client.bot import Bot
    from aiogram.client.default import Default
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import PRODUCTION, TelegramAPIServer
    from aiogram.enums import ContentType
    from aiogram.exceptions import (
        AiogramError,
        ClientDecodeError,
        TelegramAPIError,
        TelegramBadRequest,
        TelegramConflictError,
        TelegramEntityTooLarge,
        TelegramForbiddenError,
        TelegramMigrateToChat,
        TelegramNetworkError,
        TelegramNotFound,
        TelegramRetryAfter,
        TelegramServerError,
        TelegramUnauthorizedError,
    )
    from aiogram.methods import (
        AnswerCallbackQuery,
        DeleteWebhook,
        GetMe,
        Response,
        SendChatAction,
        TelegramMethod,
    )
    from aiogram.types import (
        Animation,
        Audio,
        CallbackQuery,
        Document,
        Message,
        MessageEntity,
        PhotoSize,
        Update,
        User,
        Video,
        VideoNote,
        Voice,
    )

__all__ = [
    "PRODUCTION",
    "AiogramError",
    "AiohttpSession",
    "Animation",
    "AnswerCallbackQuery",
    "Audio",
    "Bot",
    "CallbackQuery",
    "ClientDecodeError",
    "ContentType",
    "DeleteWebhook",
    "Document",
    "GetMe",
    "Message",
    "MessageEntity",
    "PhotoSize",
    "Response",
    "SendChatAction",
    "TelegramAPIError",
    "TelegramAPIServer",
    "TelegramBadRequest",
    "TelegramConflictError",
    "TelegramEntityTooLarge",
    "TelegramForbiddenError",
    "TelegramMethod",
    "TelegramMigrateToChat",
    "TelegramNetworkError",
    "TelegramNotFound",
    "TelegramRetryAfter",
    "TelegramServerError",
    "TelegramUnauthorizedError",
    "Update",
    "User",
    "Video",
    "VideoNote",
    "Voice",
    "prepare",
]

_TYPES: dict[str, Any] = {name: getattr(types, name) for name in cast("Any", types).__all__}

# The names that aiogram's annotations are written in; what `aiogram.types` passes to its own rebuild.
_NAMES: dict[str, Any] = {
    "List": list,
    "Optional": Optional,
    "Union": Union,
    "Literal": Literal,
    "Default": Default,
    **_TYPES,
}


def prepare(*models: type[BaseModel]) -> None:
    """Build these models and all that they contain. Costs nothing for what is built already."""
    for model in models:
        if not _build(model):
            _build_all()
            model.model_rebuild(_types_namespace=_NAMES)  # raises what is wrong


def _build(model: type[BaseModel]) -> bool:
    try:
        return model.model_rebuild(raise_errors=False, _types_namespace=_NAMES) is not False
    except (PydanticUndefinedAnnotation, PydanticUserError):
        return False


def _build_all() -> None:
    for model in _TYPES.values():
        if isinstance(model, type) and issubclass(model, BaseModel):
            _build(model)
