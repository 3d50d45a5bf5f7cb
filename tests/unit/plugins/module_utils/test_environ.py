# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process whose environment can't be read is unknown: it is neither proven by it nor restarted for it."""

from __future__ import annotations

import json

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _agent_backup, _agent_change, _agent_restore
from ansible_collections.cowboyai.rollout.plugins.module_utils._environ import parse

ON = {"FLAG": "true"}
WHOLE = b"LANG=C\0INVOCATION_ID=inv1\0FLAG=true\0"


def overwritten(raw: bytes, title: bytes) -> bytes:
    """As `setproctitle` leaves it: the title, a NUL, and what lay behind it."""
    return title + b"\0" + raw[len(title) + 1 :]


def test_all_that_systemd_gave():
    found = parse(WHOLE + b"A=x=y\0C=a\nb\0D=\xff\0BASH_FUNC_f%%=() { :; }\0EMPTY=\0", "inv1")
    assert found.readable
    assert (found.values["A"], found.values["C"], found.values["D"], found.values["EMPTY"]) == (
        "x=y",
        "a\nb",
        "\udcff",
        "",
    )
    assert found.differing(ON) == []
    assert found.differing({"FLAG": "false", "MORE": "1"}) == ["FLAG", "MORE"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" " * 40,
        b"\0" * 40,
        b"LANG=C\0FLAG=true\0",
        b"FLAG=true\0INVOCATION_ID=another\0",
        overwritten(WHOLE, b"agent: ready, INVOCATION_ID=inv1"),
    ],
)
def test_where_the_invocation_id_is_missing_nothing_is_known(raw):
    found = parse(raw, "inv1")
    assert not found.readable
    assert found.differing(ON) is None


@pytest.mark.parametrize("title", [b"agent", b"agent: 3=3", b"agent\0\0\0\0"])
def test_a_key_that_a_title_may_have_taken_is_not_known_to_be_missing(title):
    assert parse(overwritten(b"FLAG=true\0" + WHOLE, title), "inv1").differing({"GONE": "1"}) is None
    # What is still there is there.
    assert parse(overwritten(b"LANG=some.where\0" + WHOLE, title), "inv1").differing(ON) == []


def test_a_process_that_overwrites_it_is_restarted_once_and_never_again(host, monkeypatch):
    unit = host.add("a")
    start = host.start
    monkeypatch.setattr(host, "start", lambda one: (start(one), setattr(one, "environ", b" " * 80))[0])
    for run in range(3):
        one = _agent_change.change(host, [host.instance("a", ON)])["instances"]["a"]
        assert (one["state"], one["reason"], one["proof"]["environ"]) == ("failed", "environ_unreadable", None), run
        assert "INVOCATION_ID" in one["message"]
        assert "FLAG" in one["message"]
    assert host.restart_calls == [[unit.name]]


def test_killed_between_write_and_restart_it_is_restarted_once(host, monkeypatch):
    unit = host.add("a")
    unit.environ, unit.started = b" " * 80, 1
    (host.directory / "a.env").write_text("FLAG=true\nOTHER=1\n")
    one = _agent_change.change(host, [host.instance("a", ON)])["instances"]["a"]
    assert (one["state"], host.restart_calls) == ("proven", [[unit.name]])


def test_its_backup_notes_no_keys_and_no_drift(host, tmp_path):
    host.add("a").environ = b" " * 80
    _agent_backup.backup(host, [host.instance("a")], str(tmp_path / "b"), "wave", "h1")
    entry = json.loads((tmp_path / "b" / "manifest.json").read_text())["agents"]["a"]
    assert (entry["process_keys"], entry["drifted_keys"]) == (None, [])


def test_a_restore_restarts_it_once_and_never_again(host, tmp_path, monkeypatch):
    host.add("a")
    directory = str(tmp_path / "b")
    _agent_backup.backup(host, [host.instance("a", log="architecture DISABLED")], directory, "wave", "h1")
    _agent_change.change(host, [host.instance("a", ON)])
    host.restart_calls.clear()
    start = host.start
    monkeypatch.setattr(host, "start", lambda one: (start(one), setattr(one, "environ", b" " * 80))[0])
    for run in range(3):
        one = _agent_restore.restore(host, directory)["instances"]["a"]
        assert one["reason"] == "environ_unreadable", run
    assert len(host.restart_calls) == 1
    assert (host.directory / "a.env").read_text().startswith("FLAG=false")
