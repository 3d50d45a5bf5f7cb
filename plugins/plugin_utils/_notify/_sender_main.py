# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sender as a program. It runs without Ansible, which is what usually finds a collection's modules for Python."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

NAMES = ("ansible_collections", "ansible_collections.cowboyai", "ansible_collections.cowboyai.rollout")


def find_collection() -> None:
    """Make this collection importable under its full name, wherever it is installed and whatever else is.

    A search path would not do: another folder called ansible_collections, as the package `ansible` brings one, hides
    this one.
    """
    for name in NAMES:
        module = ModuleType(name)
        module.__path__ = [str(Path(__file__).absolute().parents[3])] if name == NAMES[-1] else []
        sys.modules[name] = module


if __name__ == "__main__":
    find_collection()
    from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._sender import main

    status = main()
    # Threads that still hang in a dead server must not keep the process.
    os._exit(status)
