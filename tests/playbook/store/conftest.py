# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two stores, as the tests of the stores themselves have them."""

from __future__ import annotations

from tests.module.store.conftest import nats_place, patience, place

__all__ = ["nats_place", "patience", "place"]
