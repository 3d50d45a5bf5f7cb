# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The error that a step ends with when it can't be done as asked."""

from __future__ import annotations


class StepError(Exception):
    """A step can't be done as asked. The message says what was attempted, what was seen and what to do next."""
