# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the lines of an agent are read: the shape, what its keys and levels are called, and what is known to be harmless."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils import _log_fields, _log_level, _log_shapes
from ansible_collections.cowboyai.rollout.plugins.module_utils._log_line import Line, line

AUTO, PLAIN = "auto", "plain"
#: Every name that a shape can be asked for by.
NAMES = (AUTO, *_log_shapes.SHAPES, PLAIN)
#: Shapes whose keys may have names of their own.
WITH_KEYS = ("json", "logfmt")
KEYS = ("level", "message", "target")
#: A pattern of one's own sees no more of a line.
PATTERN_LENGTH = 4096
#: Lines a minute that a harmless pattern covers unless it says otherwise.
AT_MOST = 10


class LogLinesError(ValueError):
    """How to read lines is told in a way that no run can use."""


@dataclass(frozen=True)
class Harmless:
    """Lines that are known to mean nothing, ``at_most`` a minute; further ones count as what they are."""

    name: str
    pattern: "re.Pattern[str]"
    at_most: int = AT_MOST


@dataclass(frozen=True)
class Reading:
    """How lines are read. ``levels`` are words of the agent's own, in lower case; ``raw`` is the argument that said it all."""

    shape: str = AUTO
    keys: Optional[_log_fields.Keys] = field(default=None, compare=False)
    pattern: Optional["re.Pattern[str]"] = None
    levels: Dict[str, str] = field(default_factory=dict)
    harmless: Tuple[Harmless, ...] = ()
    raw: Dict[str, Any] = field(default_factory=dict)

    def read(self, text: str, priority: Optional[int] = None) -> Line:
        """The line, by its own words first, by the journal's PRIORITY (0 to 7) where it says nothing of a level.

        Units may give all lines one priority: 3 and worse is an error, but a 4 may hide one, so it is no warning unless the
        shape says that priorities are meant.

        Of a line that the shape does not read an error counts all the same, whatever shape it has; anything else of it
        does not.
        """
        shown = _log_shapes.plain(text)
        found = self._own(shown) or _log_shapes.crash(shown)
        if found is None and self.shape not in (AUTO, PLAIN):
            other = _log_shapes.any_shape(shown)
            found = other if other and other.is_error else None
        if found is None:
            level = _log_level.of_priority(priority)
            if level and (self.shape == PLAIN or level == "ERROR"):
                found = line(level, shown, "priority")
        return found or Line(None, "", shown.strip(), False)

    def _own(self, shown: str) -> Optional[Line]:
        if self.shape == AUTO:
            return _log_shapes.any_shape(shown)
        if self.pattern is not None:
            return self._by_pattern(shown)
        if self.keys is not None:
            reader = _log_fields.from_json if self.shape == "json" else _log_fields.from_logfmt
            return reader(shown, self.keys)
        bare = shown.lstrip("\ufeff \t")
        for reader_of in _log_shapes.SHAPES.get(self.shape, ()):
            found = reader_of(bare)
            if found:
                return found
        return None

    def _by_pattern(self, shown: str) -> Optional[Line]:
        match = self.pattern.match(shown[:PATTERN_LENGTH]) if self.pattern else None
        if match is None:
            return None
        groups = match.groupdict()
        word = groups.get("level")
        level = _log_level.of_field(word, "level", self.levels) if word else None
        if level is None:
            return None
        message = groups.get("message")
        return line(
            level,
            shown if message is None else message,
            "pattern",
            _log_level.is_panic(word),
            groups.get("target") or "",
        )

    def accepted(self, text: str) -> Optional[Harmless]:
        """The first harmless pattern that is found in a line."""
        if not self.harmless:
            return None
        shown = _log_shapes.plain(text)[:PATTERN_LENGTH]
        return next((each for each in self.harmless if each.pattern.search(shown)), None)


USUAL = Reading()


def _compiled(pattern: Any, what: str) -> "re.Pattern[str]":
    if not isinstance(pattern, str) or not pattern:
        raise LogLinesError("{0} is {1!r}; expected a regular expression".format(what, pattern))
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as problem:
        # The controller's Python may take what this host's, which is older, does not.
        raise LogLinesError(
            "{0} {1!r} is no regular expression for this host's Python: {2}".format(what, pattern, problem)
        ) from None


def _keys(raw: Any, shape: str, what: str) -> Dict[str, List[str]]:
    if shape not in WITH_KEYS:
        raise LogLinesError(
            "{0}.keys belongs to the shapes {1}, and the shape is {2}".format(what, " and ".join(WITH_KEYS), shape)
        )
    if not isinstance(raw, Mapping):
        raise LogLinesError("{0}.keys is {1!r}; expected a mapping".format(what, raw))
    known = {name: value for name, value in raw.items() if value}
    for name, value in known.items():
        if name not in KEYS or not isinstance(value, (list, tuple)) or not all(isinstance(key, str) for key in value):
            raise LogLinesError(
                "{0}.keys.{1} is {2!r}; expected lists of names under {3}".format(what, name, value, ", ".join(KEYS))
            )
    return known


def reading_from(raw: Optional[Mapping[str, Any]], what: str = "log_lines") -> Reading:
    """How to read lines, from an argument or a manifest; nothing given means that all shapes are tried.

    ``{shape, pattern, keys: {level, message, target}, levels: {WORD: level}, harmless: [{name, line, at_most}]}``. Raises
    :class:`LogLinesError`.
    """
    if not raw:
        return USUAL
    if not isinstance(raw, Mapping):
        raise LogLinesError(
            "{0} is {1!r}; expected a mapping with shape, pattern, keys, levels or harmless".format(what, raw)
        )
    pattern = _compiled(raw["pattern"], what + ".pattern") if raw.get("pattern") else None
    shape = raw.get("shape") or AUTO
    if shape not in NAMES:
        raise LogLinesError("{0}.shape is {1!r}; expected one of {2}".format(what, shape, ", ".join(NAMES)))
    if pattern is not None:
        if shape != AUTO or raw.get("keys"):
            raise LogLinesError("{0} has a pattern beside a shape or keys; give one of them".format(what))
        if "level" not in pattern.groupindex:
            raise LogLinesError("{0}.pattern has no group (?P<level>...), and that is what it is for".format(what))
        shape = "pattern"
    levels = {}
    words = raw.get("levels") or {}
    if not isinstance(words, Mapping):
        raise LogLinesError("{0}.levels is {1!r}; expected a mapping from words to levels".format(what, words))
    for word, level in words.items():
        known = _log_level.of_word(str(level))
        if known is None:
            raise LogLinesError("{0}.levels.{1} is {2!r}; expected a level such as error".format(what, word, level))
        levels[str(word).strip().lower()] = known
    keys = None
    if raw.get("keys") or (levels and shape in WITH_KEYS):
        named = _keys(raw.get("keys") or {}, shape, what)
        keys = _log_fields.Keys(named.get("level", ()), named.get("message", ()), named.get("target", ()), levels)
    return Reading(shape, keys, pattern, levels, _harmless(raw.get("harmless") or (), what), dict(raw))


def _harmless(raw: Sequence[Mapping[str, Any]], what: str) -> Tuple[Harmless, ...]:
    if not isinstance(raw, (list, tuple)) or not all(isinstance(each, Mapping) for each in raw):
        raise LogLinesError("{0}.harmless is {1!r}; expected a list of mappings".format(what, raw))
    found = []
    for number, each in enumerate(raw):
        where = "{0}.harmless[{1}]".format(what, number)
        at_most = each.get("at_most")
        at_most = AT_MOST if at_most is None else at_most
        if isinstance(at_most, bool) or not isinstance(at_most, int) or at_most < 1:
            raise LogLinesError("{0}.at_most is {1!r}; expected lines a minute, 1 or more".format(where, at_most))
        name = each.get("name")
        if not isinstance(name, str) or not name:
            raise LogLinesError("{0}.name is {1!r}; expected the name that it is counted by".format(where, name))
        found.append(Harmless(name, _compiled(each.get("line"), where + ".line"), at_most))
    return tuple(found)
