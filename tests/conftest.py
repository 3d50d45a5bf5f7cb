# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of every suite in the checkout."""

from __future__ import annotations

from tests.unit.plugins.property_tests import load_profile

load_profile()
