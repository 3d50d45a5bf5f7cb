# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What looks and NATS lines add up to, kept as columns of numbers: a week is read in a tenth of a second.

A fold takes one look (or line) after the other and can be frozen in between. It is never the truth: it can be made
again from the lines at any time, and is when it does not fit them.
"""

from __future__ import annotations

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._host import HostFold
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._nats import NatsFold
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._folds._store import folded

__all__ = ["HostFold", "NatsFold", "folded"]
