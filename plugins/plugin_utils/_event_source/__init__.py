# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of NATS as events for Event-Driven Ansible: what `extensions/eda/plugins/event_source/nats.py` is made of."""

from __future__ import annotations
