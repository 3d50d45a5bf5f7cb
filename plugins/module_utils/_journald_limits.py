# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many lines of one service journald lets pass, as its configuration says."""

from __future__ import annotations

import glob
import os
from typing import Dict, Iterable, List, Tuple

from ansible_collections.cowboyai.rollout.plugins.module_utils import _systemd

# journald's own, where nobody says anything else.
INTERVAL_S, BURST = 30.0, 10000
# The first one wins, for the file and for each drop-in by its name.
_FOLDERS = ("etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd", "lib/systemd")


def parse(texts: Iterable[str]) -> Tuple[float, int]:
    """(seconds, lines) of configuration files in the order in which they are read; (0, 0) where there is no limit."""
    settings: Dict[str, str] = {}
    for text in texts:
        for line in text.splitlines():
            name, sign, value = line.partition("=")
            if sign and not line.lstrip().startswith(("#", ";")):
                settings[name.strip()] = value.strip()
    raw = settings.get("RateLimitIntervalSec", settings.get("RateLimitInterval", ""))
    interval = float(raw) if raw.isdigit() else _systemd.parse_span(raw)
    burst = settings.get("RateLimitBurst", "")
    found = (INTERVAL_S if interval is None else interval, int(burst) if burst.isdigit() else BURST)
    return found if all(found) else (0.0, 0)


def files(namespace: str = "", root: str = "/") -> List[str]:
    """Paths of the configuration of a namespace's journald, in the order in which they are read."""
    name = "journald@{0}.conf".format(namespace) if namespace else "journald.conf"
    mains: List[str] = []
    additions: Dict[str, str] = {}
    for folder in _FOLDERS:
        main = os.path.join(root, folder, name)
        if not mains and os.path.exists(main):
            mains.append(main)
        for path in glob.glob(os.path.join(glob.escape(os.path.join(root, folder, name + ".d")), "*.conf")):
            additions.setdefault(os.path.basename(path), path)
    return mains + [additions[name] for name in sorted(additions)]


def limits(namespace: str = "", root: str = "/") -> Tuple[float, int]:
    """(seconds, lines) that pass of one service; (0, 0) where there is no limit. A file that can't be read says nothing."""
    texts = []
    for path in files(namespace, root):
        try:
            with open(path, encoding="utf-8", errors="replace") as stream:
                texts.append(stream.read())
        except OSError:
            continue
    return parse(texts)
