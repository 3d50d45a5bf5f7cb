# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One rollout, one writer; and rollouts that touch the same instance keep each other out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _lease, _process_mark
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context, FencedError, StepError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._holding import hold, release
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._process_mark import is_gone, mark
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._start import ensure_started
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store import Conflict, StoreError, open_store

from tests.unit.plugins.plugin_utils.recorded import HOSTS, PLANS, at

AGENTS = PLANS.parents[1] / "inventories" / "dgx" / "group_vars" / "dgx" / "agents.csv"
ELSEWHERE = {"host": "another", "machine": "m", "boot": "b", "namespace": "pid:[1]", "pid": 1, "started": "1"}


def run_of(folder: Path, run: str = "run-1", **given: Any) -> Context:
    """A run on this machine; `given` are further variables of its play."""
    variables = {
        "rollout": "wave2",
        "rollout_monitoring_dir": str(folder),
        "playbook_dir": str(PLANS.parent),
        "groups": {"all": HOSTS, "dgx": HOSTS},
        "ansible_play_hosts_all": HOSTS,
        "hostvars": {host: {"rollout_agents_file": str(AGENTS)} for host in HOSTS},
        **given,
    }
    return Context(variables, run=run)


def lease_of(context: Context) -> dict[str, Any]:
    entry = context.store.get(f"lease.{context.rollout}")
    assert entry is not None
    return entry.value


def moved_elsewhere(context: Context) -> None:
    """As if the holder were on a machine of which nothing can be told from here."""
    key = f"lease.{context.rollout}"
    entry = context.store.get(key)
    assert entry is not None
    context.store.put(key, {**entry.value, "process": ELSEWHERE}, entry.revision)


def kinds(context: Context) -> list[str]:
    return [record.kind for record in context.ledger.read()]


def test_a_second_run_is_told_who_holds_it_since_when_and_what_to_do(tmp_path: Path) -> None:
    first = run_of(tmp_path, awx_job_id=17, awx_user_name="alice")
    hold(first, at(0))
    with pytest.raises(StepError) as told:
        hold(run_of(tmp_path, "run-2"), at(60))
    for part in (
        "wave2 is being run by alice (AWX job 17) since",
        "(last sign of life",
        "2026-01-23 12:00:00Z",
        "rollout_takeover=true",
        "status",
    ):
        assert part in str(told.value)
    release(first, at(61))
    hold(run_of(tmp_path, "run-2"), at(62))
    assert lease_of(first)["run"] == "run-2"


def test_the_holder_renews_and_only_when_it_is_time(tmp_path: Path) -> None:
    context = run_of(tmp_path)
    hold(context, at(0))
    hold(context, at(20))
    assert lease_of(context)["heartbeat"] == lease_of(context)["since"]
    hold(context, at(40))
    assert lease_of(context)["heartbeat"] > lease_of(context)["since"]


def test_the_lease_of_a_killed_process_is_free_at_once_and_that_is_recorded(tmp_path: Path) -> None:
    first = run_of(tmp_path)
    hold(first, at(0))
    ensure_started(first, at(0))
    holder = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    entry = first.store.get("lease.wave2")
    assert entry is not None
    first.store.put("lease.wave2", {**entry.value, "process": mark(holder.pid)}, entry.revision)
    second = run_of(tmp_path, "run-2")
    with pytest.raises(StepError, match="its process is at work on this machine"):
        # A process that is there keeps its lease, whatever the clock says.
        hold(second, at(100_000))
    holder.kill()
    holder.wait()
    hold(second, at(3))
    assert [r.data["why"] for r in second.records if r.kind == _lease.TAKEOVER] == ["its process has ended"]
    ensure_started(second, at(4))
    assert kinds(second) == ["rollout.started", "lease.taken", "run.resumed"]
    assert second.records[-1].data["after"] == "rollout.started"


def test_a_worker_whose_run_was_killed_does_not_renew(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    context = run_of(tmp_path)
    context.process = mark(holder.pid)
    hold(context, at(0))
    holder.kill()
    holder.wait()
    with pytest.raises(StepError, match="has ended; it does nothing more"):
        hold(context, at(60))
    assert lease_of(context)["heartbeat"] == lease_of(context)["since"]
    release(context, at(61))
    assert not lease_of(context)["released"]


def test_a_silent_holder_elsewhere_is_waited_for_until_its_lease_ends(tmp_path: Path) -> None:
    first = run_of(tmp_path)
    hold(first, at(0))
    ensure_started(first, at(0))
    moved_elsewhere(first)
    second = run_of(tmp_path, "run-2")
    lasts = float(lease_of(first)["expires_s"])
    assert lasts >= _lease.EXPIRES_S
    with pytest.raises(StepError, match="its lease ends at"):
        hold(second, at(lasts - 1))
    hold(second, at(lasts))
    assert second.records[-1].data["why"] == "its lease expired"


def test_who_was_taken_over_changes_and_records_nothing_more(tmp_path: Path) -> None:
    first = run_of(tmp_path, rollout_takeover="true")
    hold(first, at(0))
    ensure_started(first, at(0))
    second = run_of(tmp_path, "run-2", rollout_takeover="true")
    hold(second, at(1))
    taken = second.records[-1]
    assert (taken.kind, taken.run, taken.data["from"]["run"], taken.data["why"]) == (
        "lease.taken", "run-2", "run-1", "rollout_takeover",
    )  # fmt: skip
    before = first.ledger.path.read_bytes()
    with pytest.raises(FencedError, match="took over from this run"):
        first.record("batch.started", {"phase": "p", "hosts": [], "instances": []}, at(2))
    # Its own rollout_takeover does not take it back, and neither does the end of the other run.
    with pytest.raises(StepError, match="took over from this run"):
        hold(run_of(tmp_path, rollout_takeover="true"), at(50))
    release(second, at(51))
    with pytest.raises(StepError, match="took over from this run"):
        hold(run_of(tmp_path), at(52))
    assert first.ledger.path.read_bytes() == before
    release(first, at(53))
    assert lease_of(second)["run"] == "run-2"


def test_a_lease_lasts_longer_than_a_plan_measures() -> None:
    assert _lease.expires_s([]) == _lease.EXPIRES_S
    assert _lease.expires_s([300.0, 7200.0]) > 7200.0


@pytest.mark.parametrize(
    ("other", "gone"),
    [
        ({}, False),
        ({"started": "1"}, True),
        ({"host": "another"}, None),
        ({"machine": "another"}, None),
        ({"namespace": "pid:[1]"}, None),
        ({"namespace": "pid:[1]", "boot": "another"}, None),
        ({"started": ""}, None),
    ],
)
def test_a_process_is_gone_only_where_that_can_be_told(other: dict[str, Any], gone: bool | None) -> None:
    assert is_gone({**mark(), **other}) is gone


def test_a_process_of_another_user_that_proc_hides_is_not_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    other = mark()
    monkeypatch.setattr(_process_mark, "_started", lambda pid: "")
    assert is_gone(other) is True

    hidden = Path(f"/proc/{other['pid']}/stat")

    def refused(path: Path) -> str:
        if path == hidden:
            raise PermissionError
        return path.read_bytes().decode()

    monkeypatch.setattr(Path, "read_text", refused)
    assert is_gone(other) is None
    # A number that no process has is gone wherever /proc is looked at.
    assert is_gone({**other, "pid": 2**22 + 1}) is True


# ---------------------------------------------------------------- rollouts beside each other


@pytest.fixture
def plans(tmp_path: Path) -> Path:
    """Besides wave2 (network-expert, tdd-expert): `meets` changes tdd-expert too, `beside` does not."""
    folder = tmp_path / "plans"
    folder.mkdir()
    text = (PLANS / "wave2.yml").read_text()
    (folder / "meets.yml").write_text(text.replace("rollout: wave2", "rollout: meets", 1))
    other = text.replace("rollout: wave2", "rollout: beside", 1)
    for before, after in (("network-expert", "git-expert"), ("tdd-expert", "graph-expert")):
        other = other.replace(before, after)
    (folder / "beside.yml").write_text(other)
    return folder


def other_run(folder: Path, plans: Path, rollout: str) -> Context:
    return run_of(folder, f"run-{rollout}", rollout=rollout, rollout_plans_dir=str(plans))


def begun(folder: Path) -> Context:
    context = run_of(folder)
    hold(context, at(0))
    ensure_started(context, at(0))
    return context


def test_a_rollout_that_changes_the_same_instance_is_refused_while_the_first_runs(tmp_path: Path, plans: Path) -> None:
    begun(tmp_path / "m")
    other = other_run(tmp_path / "m", plans, "meets")
    with pytest.raises(StepError) as told:
        hold(other, at(1))
    for part in ("network-expert@dgx-1", "and 3 more", "wave2, which is being run by", "rollback.yml -e rollout=wave2"):
        assert part in str(told.value)
    # Who was refused keeps nobody out.
    assert lease_of(other)["released"]


def test_rollouts_without_a_common_instance_run_side_by_side(tmp_path: Path, plans: Path) -> None:
    begun(tmp_path / "m")
    beside = other_run(tmp_path / "m", plans, "beside")
    hold(beside, at(1))
    ensure_started(beside, at(2))
    assert kinds(beside) == ["rollout.started"]


def test_what_was_changed_stays_claimed_until_the_rollout_is_decided(tmp_path: Path, plans: Path) -> None:
    first = begun(tmp_path / "m")
    release(first, at(1))
    # Begun, but nothing changed and nobody at work: it stands in nobody's way.
    other = other_run(tmp_path / "m", plans, "meets")
    hold(other, at(2))
    release(other, at(3))
    hold(first, at(4))
    first.record("batch.started", {"phase": "p", "hosts": HOSTS, "instances": ["tdd-expert@dgx-1"]}, at(5))
    release(first, at(6))
    with pytest.raises(StepError, match="wave2, which has changed instances and stands at IN PROGRESS"):
        hold(other_run(tmp_path / "m", plans, "meets"), at(7))
    first.record("decision.made", {"decision": "go", "why": "well"}, at(8))
    hold(other_run(tmp_path / "m", plans, "meets"), at(9))


def test_the_same_agents_on_other_hosts_do_not_meet(tmp_path: Path, plans: Path) -> None:
    first = begun(tmp_path / "m")
    first.record("batch.started", {"phase": "p", "hosts": HOSTS, "instances": ["tdd-expert@dgx-1"]}, at(1))
    elsewhere = other_run(tmp_path / "m", plans, "meets")
    elsewhere.__dict__["hosts"] = ["other-1"]
    hold(elsewhere, at(2))


# ---------------------------------------------------------------- the store of files


def test_a_value_is_replaced_only_by_who_knows_its_revision(tmp_path: Path) -> None:
    store = open_store({}, tmp_path)
    revision = store.put("lease.a", {"run": "1"}, None)
    with pytest.raises(Conflict):
        store.put("lease.a", {"run": "2"}, None)
    store.put("lease.a", {"run": "2"}, revision)
    with pytest.raises(Conflict):
        store.put("lease.a", {"run": "3"}, revision)
    assert store.keys("lease.") == ["lease.a"]


def test_a_store_of_files_with_a_path_is_the_working_folder(tmp_path: Path) -> None:
    named = Context({"rollout": "wave2", "rollout_store": f"file://{tmp_path}/kept"}, needs_plan=False)
    assert named.monitoring == named.store.folder == tmp_path / "kept"
    both = {"rollout": "wave2", "rollout_store": f"file://{tmp_path}/kept", "rollout_monitoring_dir": str(tmp_path)}
    with pytest.raises(StepError, match="Give one of them"):
        assert Context(both, needs_plan=False).monitoring


@pytest.mark.parametrize("url", ["ftp://x", "file://host/path", "monitoring"])
def test_what_is_no_store_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(StoreError, match="rollout_store: seen"):
        open_store({"rollout_store": url}, tmp_path)
