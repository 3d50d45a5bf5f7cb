# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _systemd
from ansible_collections.cowboyai.rollout.plugins.module_utils._output_route import Route
from ansible_collections.cowboyai.rollout.plugins.module_utils._systemd import Output
from ansible_collections.cowboyai.rollout.plugins.module_utils._unit_output import gap_of

SOUND = Output(stdout="journal", stderr="inherit", level=6)
UNIT = replace(
    _systemd.parse_show("Id=run@a.service\nLoadState=loaded\nMainPID=7\nInvocationID=i\n", ["run@a.service"], 0)[
        "run@a.service"
    ],
    output=SOUND,
)
JOURNAL = [Route("journal", "", "standard output"), Route("journal", "", "standard error")]


def reason(output=SOUND, routes=None, heard=None, proven=False):
    gap = gap_of(replace(UNIT, output=output), JOURNAL if routes is None else routes, heard, proven)
    assert gap is None or gap.message
    return gap.reason if gap else None


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, None),
        ({"stdout": None, "stderr": None, "level": None}, None),
        ({"stdout": "journal+console"}, None),
        ({"stderr": "journal"}, None),
        ({"stdout": "append"}, "output_elsewhere"),
        ({"stdout": "file"}, "output_elsewhere"),
        ({"stdout": "truncate"}, "output_elsewhere"),
        ({"stdout": "null"}, "output_elsewhere"),
        ({"stdout": "tty"}, "output_elsewhere"),
        ({"stdout": "socket"}, "output_elsewhere"),
        ({"stdout": "kmsg"}, "output_elsewhere"),
        ({"stdout": "fd"}, "output_elsewhere"),
        ({"stdout": "inherit"}, "output_elsewhere"),
        ({"stderr": "null"}, "output_elsewhere"),
        ({"level_max": 7}, None),
        ({"level_max": 6}, None),
        ({"level_max": 5}, "lines_filtered"),
        ({"level_max": 3}, "lines_filtered"),
        ({"level_max": 3, "level": 3}, None),
        ({"level_max": 5, "level": None}, "lines_filtered"),
        ({"filters": "~debug"}, "lines_filtered"),
        ({"namespace": "../x"}, "output_elsewhere"),
    ],
)
def test_a_definition_that_keeps_lines_out(settings, expected):
    assert reason(replace(SOUND, **settings)) == expected
    assert reason(replace(SOUND, **settings), routes=[]) == expected


def one(kind, what="", stream="standard error"):
    return [JOURNAL[0], Route(kind, what, stream)]


@pytest.mark.parametrize(
    ("routes", "heard", "expected"),
    [
        (JOURNAL, None, None),
        (one("elsewhere", "/var/log/x"), None, "output_elsewhere"),
        (one("elsewhere", "/var/log/x"), True, "output_elsewhere"),
        (one("cut_off", "nobody"), True, "output_cut_off"),
        (one("journal", "agents"), None, "output_elsewhere"),
        (one("unknown", "permission"), True, None),
        (one("unknown", "permission"), False, "output_unknown"),
        (one("unknown", "permission"), None, "output_unknown"),
        ([], None, None),
    ],
)
def test_a_process_that_writes_elsewhere(routes, heard, expected):
    assert reason(routes=routes, heard=heard) == expected


def test_a_process_in_the_namespace_of_its_definition():
    output = replace(SOUND, namespace="agents")
    routes = [Route("journal", "agents", "standard output")]
    assert reason(output, routes) is None
    assert reason(output, JOURNAL) == "output_elsewhere"


@pytest.mark.parametrize(
    ("heard", "proven", "expected"),
    [(False, True, "process_unseen"), (None, True, None), (True, True, None), (False, False, None)],
)
def test_a_process_that_was_proven_by_its_lines_must_stay_readable(heard, proven, expected):
    assert reason(heard=heard, proven=proven) == expected
