# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that knows pydantic may be missing.

Plans are read on the controller, which installs requirements.txt. Where that was forgotten, importing this package
still works and `require_pydantic` says what to install, instead of a traceback out of an import. The stand-ins below
only let the class bodies of this package be executed; nothing can be validated with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import (
        BaseModel,
        BeforeValidator,
        ConfigDict,
        Field,
        PlainSerializer,
        PrivateAttr,
        SerializerFunctionWrapHandler,
        TypeAdapter,
        ValidationError,
        ValidationInfo,
        WithJsonSchema,
        field_validator,
        model_serializer,
        model_validator,
    )
    from pydantic_core import PydanticCustomError

    MISSING: str | None = None
else:
    try:
        from pydantic import (
            BaseModel,
            BeforeValidator,
            ConfigDict,
            Field,
            PlainSerializer,
            PrivateAttr,
            SerializerFunctionWrapHandler,
            TypeAdapter,
            ValidationError,
            ValidationInfo,
            WithJsonSchema,
            field_validator,
            model_serializer,
            model_validator,
        )
        from pydantic_core import PydanticCustomError

        MISSING = None
    except ImportError as error:
        MISSING = str(error)

        class BaseModel:
            """Stands in as a base class."""

        class ValidationError(Exception):
            """Never raised."""

        class PydanticCustomError(Exception):
            """Never raised."""

        ValidationInfo = SerializerFunctionWrapHandler = TypeAdapter = Any

        def _nothing(*args: Any, **kwargs: Any) -> Any:
            return None

        def _decorator(*args: Any, **kwargs: Any) -> Any:
            return lambda function: function

        BeforeValidator = ConfigDict = Field = PlainSerializer = PrivateAttr = WithJsonSchema = _nothing
        field_validator = model_serializer = model_validator = _decorator

__all__ = [
    "BaseModel",
    "BeforeValidator",
    "ConfigDict",
    "Field",
    "MISSING",
    "PlainSerializer",
    "PrivateAttr",
    "PydanticCustomError",
    "SerializerFunctionWrapHandler",
    "TypeAdapter",
    "ValidationError",
    "ValidationInfo",
    "WithJsonSchema",
    "field_validator",
    "model_serializer",
    "model_validator",
]
