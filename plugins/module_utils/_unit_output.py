# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what a service writes gets into the journal: judged by its definition, by its process, and by what the journal has.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence

from ansible_collections.cowboyai.rollout.plugins.module_utils import _canary, _output_route
from ansible_collections.cowboyai.rollout.plugins.module_utils._output_route import Route
from ansible_collections.cowboyai.rollout.plugins.module_utils._systemd import Output, Unit

# "syslog" has meant the journal since systemd 246, and ended there before.
_TO_JOURNAL = ("journal", "journal+console", "syslog", "syslog+console")
#: Where the streams of a daemon go that logs by other means.
NOWHERE = ("/dev/null", _output_route.CLOSED)
_LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")


@dataclass(frozen=True)
class Gap:
    """Why an error of an instance would not have been seen; ``reason`` is a word of the contract."""

    reason: str
    message: str


def _level(number: int) -> str:
    return _LEVELS[number] if 0 <= number < len(_LEVELS) else str(number)


def definition_gap(name: str, output: Output) -> Optional[Gap]:
    """What in a service's definition keeps its lines out of the journal."""
    streams = [("StandardOutput", output.stdout, False), ("StandardError", output.stderr, True)]
    for setting, value, may_inherit in streams:
        if value is None or value in _TO_JOURNAL or (may_inherit and value == "inherit"):
            continue
        return Gap(
            "output_elsewhere",
            "{0} has {1}={2}: what it writes does not get into the journal; expected {1}=journal".format(
                name, setting, value
            ),
        )
    level = _canary.LEVEL if output.level is None else output.level
    if output.level_max is not None and output.level_max < level:
        return Gap(
            "lines_filtered",
            "{0} has LogLevelMax={1} and writes its lines at {2}: journald drops them; expected no LogLevelMax, or at least "
            "{2}".format(name, _level(output.level_max), _level(level)),
        )
    if output.filters.strip():
        return Gap(
            "lines_filtered",
            "{0} has LogFilterPatterns={1}: journald drops lines by their text; expected none".format(
                name, output.filters[:200]
            ),
        )
    if not _canary.is_namespace(output.namespace):
        return Gap(
            "output_elsewhere",
            "{0} has LogNamespace={1!r}, which is no name of a namespace".format(name, output.namespace[:100]),
        )
    return None


def _route_gap(unit: Unit, route: Route) -> Optional[Gap]:
    of = "the {0} of process {1} ({2})".format(route.stream, route.pid or unit.main_pid, unit.name)
    if route.kind == _output_route.ELSEWHERE:
        return Gap("output_elsewhere", "{0} goes to {1}, not to the journal".format(of, route.what))
    if route.kind == _output_route.CUT_OFF:
        return Gap(
            "output_cut_off",
            "{0} is lost: {1}. journald was stopped under it; only a restart of the service connects it again".format(
                of, route.what
            ),
        )
    if route.kind == _output_route.JOURNAL and route.what != unit.output.namespace:
        return Gap(
            "output_elsewhere",
            "{0} goes to the journal's namespace {1!r}, its definition says {2!r}: the definition was changed without a "
            "restart".format(of, route.what, unit.output.namespace),
        )
    return None


def gap_of(
    unit: Unit, routes: Sequence[Route], heard: Optional[bool], proven: bool, speaks: bool = False
) -> Optional[Gap]:
    """Why an error of this instance might not have been seen, if so.

    ``routes``: of the processes that do its work, none when it does not run; ``heard``: whether the journal has a line of this very
    process, ``None`` where nobody looked or its beginning is gone; ``proven``: lines of this very process proved the change;
    ``speaks``: it has sent lines to journald itself, as syslog and native clients do, so that its streams may lead nowhere.
    """
    found = definition_gap(unit.name, unit.output)
    if found:
        return found
    for route in routes:
        if speaks and route.what in NOWHERE:
            continue
        found = _route_gap(unit, route)
        if found:
            return found
    if proven and heard is False:
        return Gap(
            "process_unseen",
            "the journal has no line of process {0} ({1}, invocation {2}) any more, though lines of it proved the change and "
            "nothing so new has been rotated away".format(unit.main_pid, unit.name, unit.invocation_id),
        )
    unknown: List[Route] = [route for route in routes if route.kind == _output_route.UNKNOWN]
    if unknown and heard is not True:
        return Gap(
            "output_unknown",
            "nothing shows that process {0} ({1}) writes to the journal: it has no line of it, and of its {2} {3}".format(
                unit.main_pid, unit.name, unknown[0].stream, unknown[0].what
            ),
        )
    return None
