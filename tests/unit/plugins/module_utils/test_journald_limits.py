# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _journald_limits


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (30.0, 10000)),
        ("[Journal]\n#RateLimitBurst=5\n", (30.0, 10000)),
        ("[Journal]\nRateLimitIntervalSec=1min 30s\nRateLimitBurst = 5\n", (90.0, 5)),
        ("RateLimitInterval=10\nRateLimitBurst=7\n", (10.0, 7)),
        ("RateLimitIntervalSec=0\n", (0.0, 0)),
        ("RateLimitBurst=0\n", (0.0, 0)),
        ("RateLimitIntervalSec=soon\nRateLimitBurst=many\n", (30.0, 10000)),
    ],
)
def test_what_a_configuration_says(text, expected):
    assert _journald_limits.parse([text]) == expected


def test_drop_ins_come_after_the_file_and_the_nearest_of_a_name_counts(tmp_path):
    for path, burst in (
        ("etc/systemd/journald.conf", 1),
        ("usr/lib/systemd/journald.conf", 2),
        ("usr/lib/systemd/journald.conf.d/50-a.conf", 3),
        ("etc/systemd/journald.conf.d/50-a.conf", 4),
        ("etc/systemd/journald@agents.conf", 9),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(f"[Journal]\nRateLimitBurst={burst}\n")
    assert _journald_limits.limits("", str(tmp_path)) == (30.0, 4)
    assert _journald_limits.limits("agents", str(tmp_path)) == (30.0, 9)
    assert _journald_limits.limits("other", str(tmp_path)) == (30.0, 10000)
