# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes in an environment file, as a diff that people may see: only the changed hunks, secrets covered."""

from __future__ import annotations

import difflib
from typing import Dict, List

from ansible_collections.cowboyai.rollout.plugins.module_utils import _secrets


def env_file_diff(path: str, before: bytes, after: bytes) -> Dict[str, str]:
    """A ``prepared`` diff for Ansible: unified, one line of context, each line masked by :mod:`_secrets`.

    Hunks are found in the real bytes and shown masked, so a changed secret shows as changed without its values.
    """
    old_lines, new_lines = before.split(b"\n"), after.split(b"\n")
    old_shown, new_shown = _secrets.masked_env_lines(before), _secrets.masked_env_lines(after)
    out: List[str] = ["--- before: {0}".format(path), "+++ after: {0}".format(path)]
    matcher = difflib.SequenceMatcher(None, old_lines, new_lines, autojunk=False)
    for group in matcher.get_grouped_opcodes(1):
        first, last = group[0], group[-1]
        out.append("@@ -{0},{1} +{2},{3} @@".format(first[1] + 1, last[2] - first[1], first[3] + 1, last[4] - first[3]))
        for tag, old_from, old_to, new_from, new_to in group:
            if tag == "equal":
                out.extend(" " + line for line in old_shown[old_from:old_to])
                continue
            out.extend("-" + line for line in old_shown[old_from:old_to])
            out.extend("+" + line for line in new_shown[new_from:new_to])
    return {"prepared": "\n".join(line.rstrip("\r") for line in out) + "\n"}
