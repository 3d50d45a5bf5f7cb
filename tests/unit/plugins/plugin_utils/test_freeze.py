# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calendar of freezes: nights, weekends, holidays, other zones, and the two nights on which the clock jumps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._freeze import (
    Freeze,
    FreezeError,
    form_of,
    frozen_until,
    next_allowed,
    zone_of,
)
from hypothesis import given
from hypothesis import strategies as st

NIGHTS = Freeze("nights", "18:00", "08:00")
LUNCH = Freeze("lunch", "12:00", "13:00", days=("mon", "fri"))
WEEKENDS = Freeze("weekends", "fri 18:00", "mon 08:00", zone="Europe/Berlin")
HOLIDAYS = Freeze("holidays", "2026-12-20", "2027-01-03", zone="Europe/Berlin")
MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2029, 1, 1)).map(lambda naive: naive.replace(tzinfo=UTC))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("freeze", "moment", "until"),
    [
        (NIGHTS, "2026-01-23 17:59", None),
        (NIGHTS, "2026-01-23 18:00", "2026-01-24 08:00"),
        (NIGHTS, "2026-01-24 07:59", "2026-01-24 08:00"),
        (NIGHTS, "2026-01-24 08:00", None),
        (LUNCH, "2026-01-23 12:30", "2026-01-23 13:00"),
        (LUNCH, "2026-01-22 12:30", None),
        (Freeze("fridays", "18:00", "08:00", days=("fri",)), "2026-01-24 07:00", "2026-01-24 08:00"),
        (Freeze("fridays", "18:00", "08:00", days=("fri",)), "2026-01-23 07:00", None),
        # In Berlin it is an hour later than in UTC in January, two in July.
        (WEEKENDS, "2026-01-23 16:59", None),
        (WEEKENDS, "2026-01-23 17:00", "2026-01-26 07:00"),
        (WEEKENDS, "2026-07-24 16:00", "2026-07-27 06:00"),
        (WEEKENDS, "2026-01-26 07:00", None),
        (Freeze("all but an hour", "mon 09:00", "mon 08:00"), "2026-01-26 09:00", "2026-02-02 08:00"),
        (Freeze("all but an hour", "mon 09:00", "mon 08:00"), "2026-01-26 08:30", None),
        # A date is the whole day, in the zone.
        (HOLIDAYS, "2026-12-19 22:59", None),
        (HOLIDAYS, "2026-12-19 23:00", "2027-01-03 23:00"),
        (HOLIDAYS, "2027-01-03 22:59", "2027-01-03 23:00"),
        (Freeze("move", "2026-05-01 12:00", "2026-05-01 14:00"), "2026-05-01 13:00", "2026-05-01 14:00"),
    ],
)
def test_a_span(freeze: Freeze, moment: str, until: str | None) -> None:
    assert frozen_until([freeze], utc(moment)) == ((utc(until), freeze.name) if until else None)


@pytest.mark.parametrize(
    ("freeze", "begins", "ends"),
    [
        # 29 March: 02:00 becomes 03:00. 25 October: 03:00 becomes 02:00.
        (Freeze("n", "01:00", "06:00", zone="Europe/Berlin"), "2026-03-29 00:00", "2026-03-29 04:00"),
        (Freeze("n", "01:00", "06:00", zone="Europe/Berlin"), "2026-10-24 23:00", "2026-10-25 05:00"),
        # Neither begin nor end exists that night: half past two is half past three.
        (Freeze("n", "02:30", "06:00", zone="Europe/Berlin"), "2026-03-29 01:30", "2026-03-29 04:00"),
        (Freeze("n", "01:00", "02:30", zone="Europe/Berlin"), "2026-03-29 00:00", "2026-03-29 01:30"),
        # Half past two comes twice: from the first, to the second.
        (Freeze("n", "02:30", "06:00", zone="Europe/Berlin"), "2026-10-25 00:30", "2026-10-25 05:00"),
        (Freeze("n", "01:00", "02:30", zone="Europe/Berlin"), "2026-10-24 23:00", "2026-10-25 01:30"),
    ],
)
def test_a_night_on_which_the_clock_jumps(freeze: Freeze, begins: str, ends: str) -> None:
    second = timedelta(seconds=1)
    assert frozen_until([freeze], utc(begins) - second) is None
    assert frozen_until([freeze], utc(begins)) == (utc(ends), "n")
    assert frozen_until([freeze], utc(ends) - second) == (utc(ends), "n")
    assert frozen_until([freeze], utc(ends)) is None


def test_what_follows_without_a_moment_in_between_is_one() -> None:
    calendar = [NIGHTS, Freeze("mornings", "08:00", "09:30"), WEEKENDS, HOLIDAYS]
    # Friday evening: the night, the morning, the weekend, and Monday's morning after it.
    assert next_allowed(calendar, utc("2026-01-23 18:00")) == (utc("2026-01-26 09:30"), "mornings")
    assert next_allowed(calendar, utc("2026-12-20 12:00")) == (utc("2027-01-04 09:30"), "mornings")
    assert next_allowed(calendar, utc("2026-01-23 12:00")) == (utc("2026-01-23 12:00"), "")
    assert next_allowed([], utc("2026-01-23 12:00")) == (utc("2026-01-23 12:00"), "")


def test_a_calendar_without_an_end_is_none() -> None:
    with pytest.raises(FreezeError, match="leaves some time"):
        next_allowed([NIGHTS, Freeze("days", "08:00", "18:00")], utc("2026-01-23 12:00"))


@given(moment=MOMENTS)
def test_what_is_allowed_is_in_no_freeze_and_never_before_the_moment(moment: datetime) -> None:
    calendar = [NIGHTS, WEEKENDS, HOLIDAYS, Freeze("tokyo", "09:00", "10:00", zone="Asia/Tokyo")]
    allowed, name = next_allowed(calendar, moment)
    assert allowed >= moment
    assert frozen_until(calendar, allowed) is None
    assert (allowed == moment) == (name == "")
    if name:
        assert frozen_until(calendar, allowed - timedelta(seconds=1)) is not None


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("18:00", "a time"), ("fri 18:00", "a day and a time"), ("2026-12-20", "a date"), ("2026-12-20 12:00", "a date"),
        ("24:00", None), ("8:00", None), ("friday 18:00", None), ("2026-13-01", None), ("2026-02-30", None), ("", None),
        ("18:00\n", None),
    ],
)  # fmt: skip
def test_the_ways_of_writing_it(text: str, form: str | None) -> None:
    assert form_of(text) == form


@pytest.mark.parametrize("name", ["Europe/Nowhere", "../etc/passwd", "/etc/localtime", "", "a\0b"])
def test_a_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(FreezeError, match="a time zone such as"):
        zone_of(name)
