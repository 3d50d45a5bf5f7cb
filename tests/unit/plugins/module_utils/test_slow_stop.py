# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time of a new process counts from its start: its unit may take as long to stop the old one as systemd lets it."""

from __future__ import annotations

import math

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _agent_backup, _agent_change, _agent_restore
from ansible_collections.cowboyai.rollout.plugins.module_utils._systemd import parse_span

ON = {"FLAG": "true"}


def changed(host, **proof):
    return _agent_change.change(host, [host.instance("a", ON, **proof)])["instances"]["a"]


@pytest.mark.parametrize(("stops_in", "timeout"), [(60.0, 90.0), (80.0, 90.0), (900.0, math.inf), (3000.0, math.inf)])
def test_a_stop_slower_than_the_new_process_may_be_is_waited_for(host, stops_in, timeout):
    host.add("a", stops_in=stops_in, stop_timeout=timeout)
    one = changed(host, ready_within=5)
    assert (one["state"], one["reason"]) == ("proven", None)


def test_one_that_was_slow_to_stop_has_no_more_time_to_be_ready(host):
    host.add("a", behaviour="silent", stops_in=60.0)
    begun = host.us
    assert changed(host, ready_within=5)["reason"] == "not_ready_in_time"
    assert 60e6 < host.us - begun < 70e6


def test_one_that_never_stops_is_given_up_when_systemd_should_have_ended_it(host):
    host.add("a", stops_in=math.inf, stop_timeout=20.0)
    host.units["run@a.service"].stops_in = 1e6
    begun = host.us
    one = changed(host, ready_within=5)
    assert (one["state"], one["reason"]) == ("failed", "restart_failed")
    assert "not restarted within 25 s: it is deactivating" in one["message"]
    assert 25e6 < host.us - begun < 32e6


def test_a_quick_one_beside_a_slow_one_is_judged_by_its_own_start(host):
    host.add("a", stops_in=60.0)
    host.add("b", behaviour="silent")
    result = _agent_change.change(host, [host.instance(agent, ON, ready_within=5) for agent in ("a", "b")])
    assert [one["reason"] for one in result["instances"].values()] == [None, "not_ready_in_time"]


def test_a_rollback_waits_as_well(host, tmp_path):
    unit = host.add("a")
    directory = str(tmp_path / "b")
    _agent_backup.backup(host, [host.instance("a", log="architecture DISABLED")], directory, "wave", "h1")
    changed(host)
    unit.stops_in = 60.0
    assert _agent_restore.restore(host, directory)["instances"]["a"]["state"] == "restored"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1min 30s", 90.0), ("10s", 10.0), ("infinity", math.inf), ("1h 2min 3s 500ms", 3723.5), ("250us", 0.00025), ("0", 0.0),
        ("1d", 86400.0), ("1month 1d", 2716200.0), ("", None), (None, None), ("[not set]", None), ("90", None), ("1min later", None),
    ],
)  # fmt: skip
def test_time_spans_as_systemctl_prints_them(text, seconds):
    assert parse_span(text) == seconds
