# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times as log lines begin with them. Recognised, not read: when a line was logged is the journal's to say.

Every repeat is bounded, so that no line takes longer than its length.
"""

from __future__ import annotations

import re

_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6}"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?"
_DATE = (
    r"(?:\d{4}[-/.]\d\d?[-/.]\d\d?"  # 2026-01-23
    r"|\d\d?[-/.]\d\d?[-/.](?:\d{4}|\d\d(?!\d))"  # 23.01.2026, 01/23/26
    r"|(?:" + _DAY + r",? {0,2})?\d\d?[-/ ]" + _MONTH + r"[-/ ,]{1,2}\d{4}"  # Fri, 23 Jan 2026; 23/Jan/2026
    r"|(?:" + _DAY + r",? {1,2})?" + _MONTH + r" {1,2}\d\d?(?:,? \d{4}(?![\d:]))?"  # Jan 23; Fri Jan 23; Jan 23, 2026
    r"|\d{4}[- ]" + _MONTH + r"[- ]\d\d?"  # 2026-Jan-23
    r"|\d{8}(?=[T _-]\d\d)"  # 20260123T170000
    r"|\d\d[-/]\d\d(?=[ |T_]\d\d:))"  # 01-23 17:00:00
)
_ZONE_NAME = (
    r"(?:UTC|GMT|CES?T|EES?T|WES?T|BST|MSK|IST|JST|KST|SGT|HKT|[ECMP][SD]T|AK[SD]T|HST|AE[SD]T|AC[SD]T|AWST|NZ[SD]T)"
)
_ZONE = r"(?: ?(?:Z|" + _ZONE_NAME + r"|[+-]\d\d:?\d\d)(?![\w:]))"
_TIME = r"\d\d?:\d\d(?::\d\d)?(?:[.,:]\d{1,9})?(?: ?[AaPp]\.?[Mm]\.?(?!\w))?"
_TIMELESS = r"\d{6}(?:[.,]\d{1,9})?"

#: A date, a time, both, or the seconds of a clock.
STAMP = (
    r"(?:"
    + _DATE
    + r"(?:[T ,|:_-]{1,3}(?:"
    + _TIME
    + r"|"
    + _TIMELESS
    + r"(?!\d)))?"
    + _ZONE
    + r"?(?: \d{4}(?![\d:.-]))?"
    r"|" + _TIME + _ZONE + r"?"
    r"|\d{13}(?:\d{3}){0,2}(?![\w.])"  # milliseconds to nanoseconds since 1970
    r"|\d{9,10}(?:\.\d{1,9})?(?![\w.])"  # seconds since 1970
    r"|\d{1,10}\.\d{1,9}s?(?![\w.])"  # since the start
    r")(?![\w])"
)
#: What machines write: nobody begins a sentence with it.
EXACT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
AT = re.compile(STAMP)
