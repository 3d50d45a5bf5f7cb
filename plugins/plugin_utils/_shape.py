# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a value must look: a few building blocks that say where one does not. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._clock import parse_iso
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._foreign import ForeignError, told

# Looks at a value and its place; ForeignError when it is another one.
Shape = Callable[[Any, str], None]
# Seconds and buckets: far beyond any, and small enough to be multiplied.
_FAR = 10**12


def _is(types: Any, expected: str, fits: Callable[[Any], bool] = lambda _value: True) -> Shape:
    def check(value: Any, where: str) -> None:
        if isinstance(value, bool) != (types is bool) or not isinstance(value, types) or not fits(value):
            raise ForeignError(where, told(value), expected)

    return check


text = _is(str, "text")
flag = _is(bool, "true or false")
count = _is(int, "a count", lambda value: value >= 0)
number = _is(int | float, "a number", lambda value: abs(value) <= _FAR)
amount = _is(int | float, "a number, 0 or more", lambda value: value >= 0)
bucket = _is(int, "the index of a bucket", lambda value: abs(value) <= _FAR)


def time(value: Any, where: str) -> None:
    """A stored time, between 2000 and 2200."""
    try:
        if 2000 <= parse_iso(value).year <= 2200:
            return
    except (AttributeError, OverflowError, TypeError, ValueError):
        pass
    raise ForeignError(where, told(value), "a time with UTC offset")


def maybe(shape: Shape) -> Shape:
    """The shape, or null."""
    return lambda value, where: None if value is None else shape(value, where)


def listed(shape: Shape, at_least: int = 0) -> Shape:
    def check(value: Any, where: str) -> None:
        if not isinstance(value, list) or len(value) < at_least:
            raise ForeignError(where, told(value), f"a list of {at_least} or more" if at_least else "a list")
        for place, item in enumerate(value):
            shape(item, f"{where}[{place}]")

    return check


def row(*shapes: Shape) -> Shape:
    """A list of exactly so many, each of its own shape."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, list) or len(value) != len(shapes):
            raise ForeignError(where, told(value), f"a list of {len(shapes)}")
        for place, (shape, item) in enumerate(zip(shapes, value, strict=True)):
            shape(item, f"{where}[{place}]")

    return check


def by_name(shape: Shape, name: Callable[[str], bool] = lambda _name: True, expected: str = "a name") -> Shape:
    """A mapping whose values all have one shape."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, Mapping):
            raise ForeignError(where, told(value), "a mapping")
        for key, item in value.items():
            if not name(key):
                raise ForeignError(where, told(key), expected)
            shape(item, f"{where}.{key}")

    return check


def fields(must: Mapping[str, Shape], may: Mapping[str, Shape] | None = None) -> Shape:
    """A mapping with these fields; others are nobody's business."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, Mapping):
            raise ForeignError(where, told(value), "a mapping")
        for key, shape in must.items():
            if key not in value:
                raise ForeignError(f"{where}.{key}", "nothing", "a value")
            shape(value[key], f"{where}.{key}")
        for key, shape in (may or {}).items():
            if key in value:
                shape(value[key], f"{where}.{key}")

    return check
