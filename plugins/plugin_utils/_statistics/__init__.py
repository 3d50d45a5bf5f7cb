# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statistics of the judge: numbers in, numbers out. docs/judgement.md says which is used where, and why.

numpy and scipy are imported inside the functions: a rollback, a status and a batch must never wait for them.
"""

from __future__ import annotations

# Two noisy samples differ by chance too often; from five a side on, rank tests hold what they promise.
MIN_SAMPLES = 5
