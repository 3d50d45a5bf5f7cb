# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of others: agents, hosts, plans. It is shown, and changes neither the page nor a picture nor how they are read."""

from __future__ import annotations

from typing import Any
from unicodedata import category

# Control, format (they turn the direction of reading around), surrogate, private and unassigned characters.
_NO_TEXT = ("Cc", "Cf", "Cs", "Co", "Cn")


def plain(text: Any) -> str:
    """The text with a replacement mark for every character that is none; line breaks and tabs stay."""
    return "".join("\ufffd" if char not in "\n\t" and category(char) in _NO_TEXT else char for char in str(text))


def one_line(text: Any) -> str:
    """The same on one line, as pictures have it."""
    return " ".join(plain(text).split())
