# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option of every module that acts on a host."""

from __future__ import annotations


class ModuleDocFragment:
    """Whose action it is."""

    DOCUMENTATION = r"""
options:
  fence:
    description:
      - Whose action this is. Under its lock the host keeps the highest token that it has seen of the rollout, and refuses
        a lower one with the reason V(fenced), so that a module that outlived its run changes nothing any more.
    type: dict
    suboptions:
      rollout:
        description: The rollout; the highest token is kept for each.
        type: str
        required: true
      step:
        description: The step, for messages.
        type: str
        required: true
      token:
        description:
          - A number that rises with each step of the rollout that acts. The same one again is the same step going on.
          - Without it, whoever acts takes the highest token over, and every step so far is kept out.
        type: int
"""
