# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages to people: what is due is read off the ledger, laid into an outbox, and sent by a process of its own.

Nothing here may stop or delay a rollout. docs/notifications.md says how it works for those who use it.
"""

from __future__ import annotations
