# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the sender as a process of its own, which outlives the task and the run that started it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._notify._outbox import Outbox
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store import Store

PROGRAM = Path(__file__).absolute().with_name("_sender_main.py")


def start_sender(
    outbox: Outbox, store: Store, rollout: str, channels: dict[str, list[str]]
) -> subprocess.Popen[bytes] | None:
    """Start a sender unless one is at work on this outbox; None when there is.

    URLs and the store's credentials go through its standard input: arguments and files can be read by others.
    """
    with outbox.sending() as free:
        if not free:
            return None
    orders = {"outbox": str(outbox.folder), "store": store.orders(), "rollout": rollout, "channels": channels}
    log = os.open(outbox.folder / "sender.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
    try:
        process = subprocess.Popen(
            # Warnings of the libraries below name hosts.
            [sys.executable, "-P", "-W", "ignore", str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=log,
            cwd="/",
            # Ctrl-C in the terminal, and the end of the run, are not meant for it.
            start_new_session=True,
        )
    finally:
        os.close(log)
    if process.stdin is not None:
        process.stdin.write(json.dumps(orders).encode())
        process.stdin.close()
    return process
