# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host says nothing of its memory, load, disks, clock and boot, or nothing that can be read."""

from __future__ import annotations

from tests.campaign.instruments.case import Case
from tests.campaign.instruments.onhost import over

SOURCE = "machine"


def laid_over(name: str, path: str, content: str, quick: bool = False) -> Case:
    blind, mend = over(path, content)
    return Case(SOURCE, name, blind, mend, quick=quick)


CASES = [
    laid_over("meminfo is empty", "/proc/meminfo", ""),
    laid_over("meminfo tells no available memory", "/proc/meminfo", "MemTotal: 1000000 kB\nMemFree: 900000 kB\n"),
    laid_over("meminfo tells a total of nothing", "/proc/meminfo", "MemTotal: 0 kB\nMemAvailable: 0 kB\n"),
    laid_over("loadavg is empty", "/proc/loadavg", ""),
    laid_over("loadavg is no number", "/proc/loadavg", "nan nan nan 0/0 0\n"),
    laid_over("loadavg is cut off", "/proc/loadavg", "0."),
    laid_over("the boot has no name", "/proc/sys/kernel/random/boot_id", "", quick=True),
    laid_over("the boot's name is no text", "/proc/sys/kernel/random/boot_id", "\x00\x00"),
    Case(SOURCE, "the watched disk's folder is gone", variables={"rollout_disk_paths": ["/no/such/folder"]}),
]
