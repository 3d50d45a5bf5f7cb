# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calendar of a plan: when nothing is changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._freeze import (
    Freeze,
    FreezeError,
    form_of,
    next_allowed,
    zone_of,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._fields import Line, Section, refuse
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._findings import Checks, Finding, Findings
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._plan._pydantic import (
    BeforeValidator,
    Field,
    WithJsonSchema,
)

CHECKS = Checks()
_TIME_JSON = {
    "type": "string",
    "pattern": r"^((mon|tue|wed|thu|fri|sat|sun) )?[0-2][0-9]:[0-5][0-9]$|^[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-2][0-9]:[0-5][0-9])?$",
    "examples": ["18:00", "fri 18:00", "2026-12-20"],
}


def _time(value: Any) -> str:
    if not isinstance(value, str) or form_of(value) is None:
        raise refuse("a time (18:00), a day and a time (fri 18:00) or a date (2026-12-20, 2026-12-20 12:00)")
    return value


def _zone(value: Any) -> str:
    try:
        if isinstance(value, str):
            zone_of(value)
            return value
    except FreezeError:
        pass
    raise refuse(
        "a time zone such as Europe/Berlin, or UTC", "correct the name; the controller needs the package tzdata"
    )


FreezeTime = Annotated[str, BeforeValidator(_time), WithJsonSchema(_TIME_JSON)]
Zone = Annotated[str, BeforeValidator(_zone), WithJsonSchema({"type": "string", "examples": ["Europe/Berlin"]})]


class FreezeSpan(Section):
    """A span of time in which nothing is changed. Looks, checkpoints and rollbacks go on."""

    name: Line = Field(description="What people call it.")
    begin: FreezeTime = Field(description="When it begins: `18:00`, `fri 18:00`, `2026-12-20` or `2026-12-20 12:00`.")
    end: FreezeTime = Field(description="When it ends, written in the same way. A date is included.")
    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = Field(
        default_factory=list, description="With times: the days on which it begins; by default every day."
    )
    zone: Zone = Field(default="UTC", description="The time zone of its times, such as `Europe/Berlin`.")

    def freeze(self) -> Freeze:
        """The entry as the calendar's functions take it."""
        return Freeze(self.name, self.begin, self.end, tuple(self.days), self.zone)


@CHECKS.add
def _same_form(freeze: list[FreezeSpan]) -> Findings:
    for position, span in enumerate(freeze):
        form = form_of(span.begin)
        if form_of(span.end) != form:
            yield Finding(("freeze", position, "end"), f"{form}, as the begin is", "write both in the same way")
        elif form == "a date" and span.end < span.begin[: len(span.end)]:
            yield Finding(
                ("freeze", position, "end"), f"not before {span.begin} (begin)", "write the times in their order"
            )
        if span.days and form != "a time":
            yield Finding(("freeze", position, "days"), "no days", f"they go with times such as 18:00, not with {form}")


@CHECKS.add
def _leaves_time(freeze: list[FreezeSpan]) -> Findings:
    if any(form_of(span.end) != form_of(span.begin) for span in freeze):
        return
    try:
        next_allowed([span.freeze() for span in freeze], datetime(2030, 1, 7, tzinfo=UTC))
    except FreezeError as error:
        yield Finding(("freeze",), str(error), "shorten one of them", "no time at all")
