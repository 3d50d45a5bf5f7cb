# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calendar in which nothing is changed: pure functions of its entries and a moment, in the time of their zones.

An entry begins and ends by the wall clock of its zone, on both sides of a change of the clock. A begin that the clock
shows twice is the first of the two, an end the second; a time that the clock leaves out counts by the offset before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
DAILY = re.compile(_CLOCK + r"\Z")
WEEKLY = re.compile(rf"(?:{'|'.join(DAYS)}) {_CLOCK}\Z")
DATED = re.compile(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?: {_CLOCK})?\Z")
FORMS = {"a time": DAILY, "a day and a time": WEEKLY, "a date": DATED}
# So many freezes in a row without a moment in between are a calendar in which nothing can ever change.
_IN_A_ROW = 400


class FreezeError(ValueError):
    """An entry that is no span of time; the message says what was expected."""


@dataclass(frozen=True)
class Freeze:
    """One entry: `18:00` to `08:00` (on `days`), `fri 18:00` to `mon 08:00`, or a date to a date, which is included."""

    name: str
    begin: str
    end: str
    days: Sequence[str] = ()
    zone: str = "UTC"

    def around(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The spans of this entry that could hold a moment, in UTC."""
        zone = zone_of(self.zone)
        today = moment.astimezone(zone).date()
        if DATED.match(self.begin):
            yield _first(_date(self.begin), zone), _last(_date(self.end, ends=True), zone)
            return
        weekly = WEEKLY.match(self.begin) is not None
        begin_day, begin = _clock(self.begin)
        end_day, end = _clock(self.end)
        for ago in range(8 if weekly else 2):
            day = today - timedelta(days=ago)
            if (weekly and day.weekday() != begin_day) or (self.days and DAYS[day.weekday()] not in self.days):
                continue
            length = (end_day - begin_day) % 7 if weekly else 0
            if length == 0 and end <= begin:
                length = 7 if weekly else 1
            last = datetime.combine(day + timedelta(days=length), end)
            yield _first(datetime.combine(day, begin), zone), _last(last, zone)


def zone_of(name: str) -> tzinfo:
    """A time zone by its name. FreezeError when there is none, or no database of zones on this machine."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise FreezeError("a time zone such as Europe/Berlin, or UTC") from error


def frozen_until(freezes: Iterable[Freeze], moment: datetime) -> tuple[datetime, str] | None:
    """When the freeze that holds a moment ends, and its name; None outside of all. Of several, the one that ends last."""
    holding = [
        (last, freeze.name) for freeze in freezes for first, last in freeze.around(moment) if first <= moment < last
    ]
    return max(holding, default=None)


def next_allowed(freezes: Sequence[Freeze], moment: datetime) -> tuple[datetime, str]:
    """The first moment from the given one on in which something may change, and what stands before it (or nothing).

    Raises FreezeError when there is no such moment.
    """
    name = ""
    for _number in range(_IN_A_ROW):
        held = frozen_until(freezes, moment)
        if held is None:
            return moment, name
        moment, name = held
    raise FreezeError("a calendar that leaves some time in which something may change")


def form_of(text: str) -> str | None:
    """Which way of writing a begin or an end this is; None for a text that is neither, or no day of the calendar."""
    for name, pattern in FORMS.items():
        if pattern.match(text):
            try:
                _date(text) if pattern is DATED else _clock(text)
            except ValueError:
                return None
            return name
    return None


def _clock(text: str) -> tuple[int, time]:
    day, _space, clock = text.rpartition(" ")
    return DAYS.index(day) if day else 0, time.fromisoformat(clock)


def _date(text: str, ends: bool = False) -> datetime:
    """A date without a time is the whole day."""
    day, _space, clock = text.partition(" ")
    found = datetime.combine(date.fromisoformat(day), time.fromisoformat(clock) if clock else time())
    return found + timedelta(days=1) if ends and not clock else found


def _first(local: datetime, zone: tzinfo) -> datetime:
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _last(local: datetime, zone: tzinfo) -> datetime:
    """The later of the two where the clock shows it twice; where it is left out, the offset before the gap."""
    first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return max(first, second)
