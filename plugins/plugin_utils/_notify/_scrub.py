# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes a channel's URL, and every part of it, out of a text that will be written down. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus, unquote, unquote_plus

MASK = "***"
LONGEST = 300
# Parts of a URL. A dot does not part: a host name is one thing, and so is a token with dots in it.
_SEPARATORS = re.compile(r"[/@:?&=#,;\s]+")
# Shorter ones are masked as whole words only: a port or a one-letter option would eat the rest of the text.
_SHORT = 4


def secrets_of(urls: Iterable[str]) -> list[str]:
    """Whatever of these URLs may be secret, the longest first: the whole, and each part but the scheme, in each spelling."""
    found: set[str] = set()
    for url in urls:
        found.add(url)
        rest = url.partition("://")[2]
        found.add(rest)
        # Names of options are no secrets, and ordinary words.
        rest = re.sub(r"(?<=[?&])[A-Za-z_-]+=", "", rest)
        found.update(part for part in _SEPARATORS.split(rest) if part)
        # What stands between two slashes, colons and all; and a whole user:password.
        found.update(part for part in re.split(r"[/?@]", rest) if part)
    spelled = {
        form for part in found for form in (part, unquote(part), unquote_plus(part), quote(part), quote_plus(part))
    }
    return sorted((part for part in spelled if part.strip()), key=lambda part: (-len(part), part))


def scrub(text: str, urls: Iterable[str]) -> str:
    """The text on one line, without any part of the URLs, and not longer than a line of a report."""
    line = " ".join(str(text).split())
    for part in secrets_of(urls):
        pattern = re.escape(part)
        if len(part) < _SHORT:
            pattern = rf"(?<![A-Za-z0-9]){pattern}(?![A-Za-z0-9])"
        line = re.sub(pattern, MASK, line, flags=re.IGNORECASE)
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
