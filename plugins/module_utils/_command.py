# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a program of the host: argv only (no shell), a plain environment, always a deadline."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import Callable, Dict, List

# Output is parsed, so the operator's locale, pager and colours must not reach it.
_FIXED = {
    "LC_ALL": "C",
    "LANG": "C",
    "TZ": "UTC",
    "SYSTEMD_COLORS": "0",
    "SYSTEMD_PAGER": "",
    "SYSTEMD_LESS": "",
    "SYSTEMD_URLIFY": "0",
    "SYSTEMD_LOG_LEVEL": "info",
    "SYSTEMD_LOG_TARGET": "console",
}


@dataclass(frozen=True)
class Outcome:
    """What a program did: exit status (127 when it is missing, 124 when ended at the deadline) and its output."""

    status: int
    out: str
    err: str


Runner = Callable[[List[str], float], Outcome]


def environment() -> Dict[str, str]:
    """The environment for programs whose output is parsed."""
    env = dict(os.environ)
    env.update(_FIXED)
    return env


def run(argv: List[str], timeout: float) -> Outcome:
    """Run ``argv`` for at most ``timeout`` seconds. Never raises for what the program does."""
    try:
        done = subprocess.run(
            argv,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        return Outcome(127, "", "{0} is not installed on this host".format(argv[0]))
    except subprocess.TimeoutExpired:
        return Outcome(124, "", "{0} did not end within {1:g} s".format(" ".join(argv[:2]), timeout))
    return Outcome(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
