# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the record of rollouts is kept: ledgers, evidence, leases and cursors behind one interface, on files or on NATS JetStream."""

from __future__ import annotations

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._interface import (
    Conflict,
    Entry,
    Store,
    StoreError,
)
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._open import open_store, store_at

__all__ = ["Conflict", "Entry", "Store", "StoreError", "open_store", "store_at"]
