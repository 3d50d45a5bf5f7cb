# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start, stop and look at the traffic source of a fleet."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from rehearsal.clone import FLEET_SOURCE, Fleet, FleetError

SOURCE = FLEET_SOURCE / "traffic" / "source.py"
DEFAULT_RATE = 40.0
DEFAULT_FOR = "60m"
MOST_RATE = 2000.0
STOP_WITHIN_S = 5.0


def seconds_of(words: str) -> float:
    """``90s``, ``60m`` or ``2h`` in seconds. Raises FleetError."""
    match = re.fullmatch(r"(\d+)([smh])", words)
    if not match or not int(match[1]):
        raise FleetError(f"--for {words}: expected a time such as 90s, 60m or 2h")
    return int(match[1]) * {"s": 1.0, "m": 60.0, "h": 3600.0}[match[2]]


def find(fleet: Fleet) -> list[int]:
    """Process ids of this fleet's traffic sources, found by their own command line, never by a name alone."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if os.fsencode(SOURCE) in words and os.fsencode(fleet.directory) in words:
                    found.append(int(entry.name))
    return found


def start(fleet: Fleet, rate: float, lasting: str) -> str:
    """Start the source (again, when one runs at another rate); return a line saying what was done."""
    if not 0 < rate <= MOST_RATE:
        raise FleetError(f"--rate {rate:g}: expected messages per second above 0, at most {MOST_RATE:g}")
    seconds = seconds_of(lasting)
    if not fleet.description.is_file():
        raise FleetError(f"traffic: fleet {fleet.name} is not up")
    if find(fleet):
        row = read(fleet)
        if row.get("rate_per_s") == rate and row.get("until", 0) - time.time() > seconds / 2:
            return f"traffic: running at {rate:g}/s"
        stop(fleet)
    with open(fleet.directory / "traffic.log", "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-I", str(SOURCE), str(fleet.directory), f"{rate:g}", f"{seconds:g}"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/",
        )  # fmt: skip
    (fleet.directory / "traffic.pid").write_text(f"{process.pid}\n")
    return f"traffic: started, {rate:g} messages/s for {lasting} (pid {process.pid}, log {fleet.directory}/traffic.log)"


def stop(fleet: Fleet) -> str:
    """Stop the source and wait until it is gone."""
    running = find(fleet)
    for pid in running:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_WITHIN_S
    while (left := find(fleet)) and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    (fleet.directory / "traffic.pid").unlink(missing_ok=True)
    return "traffic: stopped" if running else "traffic: not running"


def read(fleet: Fleet) -> dict[str, float]:
    """What the source last reported (traffic.json); {} when it has not yet."""
    try:
        report: dict[str, float] = json.loads((fleet.directory / "traffic.json").read_text())
        return report
    except (OSError, ValueError):
        return {}


def status(fleet: Fleet) -> str:
    """One line on the traffic: whether it runs, at which rate, what was sent and answered."""
    running = find(fleet)
    row = read(fleet)
    if not running:
        return "traffic: not running"
    if not row:
        return f"traffic: running (pid {running[0]}), no report yet"
    left = max(0, row["until"] - time.time())
    return (
        f"traffic: {row['rate_per_s']:g} messages/s for another {left / 60:.0f}m; sent {row['sent']:.0f}"
        f" ({row['sent_unified']:.0f} unified), answers {row['answers']:.0f} of {row['sent'] * row['hosts']:.0f},"
        f" error answers {row['errors']:.0f}, not sent {row['not_sent']:.0f}, servers {row['servers_connected']}"
    )
