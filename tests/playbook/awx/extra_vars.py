# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of extra variables as AWX writes it for a job: every text that somebody may have answered is tagged, keys too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml


class _Tagging(yaml.SafeDumper):
    def represent_data(self, data: Any) -> Any:
        return self.represent_scalar("!unsafe", data) if isinstance(data, str) else super().represent_data(data)


def awx_file(answers: Mapping[str, Any], template: Mapping[str, Any] | None = None) -> str:
    """Answers and what AWX says of the job are tagged; what the job template itself says is written as it is."""
    own = template or {}
    parts = [
        ({name: value}, yaml.SafeDumper if own.get(name) == value else _Tagging)
        for name, value in {**own, **answers}.items()
    ]
    return "".join(yaml.dump(part, Dumper=dumper, default_flow_style=False) for part, dumper in parts)
