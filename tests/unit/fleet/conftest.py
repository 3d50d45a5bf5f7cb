# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in agent and the fleet's tools are scripts beside each other, not a package: name their directories."""

from __future__ import annotations

import sys
from pathlib import Path

FLEET = Path(__file__).resolve().parents[2] / "fleet"
sys.path[:0] = [str(FLEET), str(FLEET / "agent"), str(FLEET / "traffic")]
