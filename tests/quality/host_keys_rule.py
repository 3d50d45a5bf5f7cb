# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""House rule: every play that becomes root on hosts checks their keys, whatever the environment of the run says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

CHECKED = "ansible_host_key_checking"


def host_keys(root: Path) -> Iterator[str]:
    for path in sorted(root.glob("playbooks/**/*.yml")):
        try:
            plays = yaml.safe_load(path.read_text(encoding="utf-8"))
        except yaml.YAMLError:
            # Said by the linters that are there for it.
            continue
        for play in plays if isinstance(plays, list) else []:
            connects = isinstance(play, dict) and play.get("become") is True
            if connects and (play.get("vars") or {}).get(CHECKED) is not True:
                yield (
                    f"{path.relative_to(root)}: play {play.get('name')!r} goes to hosts without `vars: {{{CHECKED}: true}}`: a job of AWX has"
                    " ANSIBLE_HOST_KEY_CHECKING=False in its environment"
                )
