# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders that only their owner and group may look into."""

from __future__ import annotations

from pathlib import Path


def private_folder(path: Path) -> Path:
    """Make a folder, and those above it that are missing, with mode 0750; `Path.mkdir` gives a mode to the last one only."""
    if not path.is_dir():
        private_folder(path.parent)
        path.mkdir(mode=0o750, exist_ok=True)
    return path
