# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/store.yml: one store to the other and back, verified; and what it finds when something is not right."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store import Store, StoreError, store_at
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store._copy import copy, verify

from tests.module.store.places import Place, at, begin, directly
from tests.module.store.test_both_stores import content, evidence, gate

ROOT = Path(__file__).resolve().parents[3]


def filled(folder: Path) -> Place:
    place = Place(folder, None)
    context = place.context()
    begin(context)
    for number, name in enumerate(("T+1h", "T+6h")):
        gate(context, name, evidence(context, name), number)
    return place


def url(place: Place) -> str:
    assert place.server is not None
    return place.server.url


def test_there_and_back_nothing_differs_and_the_second_time_nothing_changes(tmp_path: Path, nats_place: Place) -> None:
    here = filled(tmp_path / "here")
    before = content(here.folder)
    seen = copy(store_at, "file://", url(nats_place), here.folder)
    assert [(each.rollout, each.records, each.files, each.changed, each.problems) for each in seen] == [
        ("feature", 3, 2, True, [])
    ]
    assert [each.changed for each in copy(store_at, "file://", url(nats_place), here.folder)] == [False]
    there = tmp_path / "there"
    assert [each.changed for each in copy(store_at, url(nats_place), "file://", there)] == [True]
    assert content(there) == before == content(here.folder)
    assert [each.changed for each in copy(store_at, url(nats_place), "file://", there)] == [False]
    # The rollout goes on from its new place.
    context = Place(there, nats_place.server).context("run-2")
    gate(context, "T+12h", evidence(context, "T+12h"), 9)
    assert [each.records for each in verify(store_at, url(nats_place), there)] == [4]


def test_two_records_of_one_rollout_are_not_joined(tmp_path: Path, nats_place: Place) -> None:
    copy(store_at, "file://", url(nats_place), filled(tmp_path / "here").folder)
    other = Place(tmp_path / "other", None).context("run-9")
    begin(other)
    other.record("note", {}, at(99))
    with pytest.raises(StoreError, match="can't be joined"):
        copy(store_at, "file://", url(nats_place), other.monitoring)


def test_a_copy_that_was_killed_is_completed(
    tmp_path: Path, nats_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = filled(tmp_path / "here")
    begun: list[str] = []

    def killed(_rollout: str) -> None:
        raise KeyError("killed")

    def dying(url: str, folder: Path) -> Store:
        store = store_at(url, folder)
        begun.append(url)
        if begun.count(url) == 2 and url.startswith("nats"):
            monkeypatch.setattr(store, "keep", killed)
        return store

    with pytest.raises(KeyError):
        copy(dying, "file://", url(nats_place), here.folder)
    assert [each.records for each in copy(store_at, "file://", url(nats_place), here.folder)] == [3]


def test_evidence_that_was_changed_or_lost_is_named(tmp_path: Path, nats_place: Place) -> None:
    here = filled(tmp_path / "here")
    copy(store_at, "file://", url(nats_place), here.folder)
    path = here.folder / "checkpoints" / "feature" / "T+6h" / "evidence.json"
    path.write_text(path.read_text().replace("T+6h", "T+7h"))
    (problem,) = verify(store_at, "file://", here.folder)[0].problems
    assert problem.startswith("record 3 (T+6h): evidence.json with SHA-256")
    assert nats_place.server is not None
    assert verify(store_at, url(nats_place), here.folder)[0].problems == []
    directly(nats_place.server, lambda js: js.purge_stream("OBJ_rollout-evidence", subject="$O.rollout-evidence.C.>"))
    assert "expected content" in verify(store_at, url(nats_place), here.folder)[0].problems[0]


def test_a_rollout_at_work_is_not_copied(tmp_path: Path, nats_place: Place) -> None:
    here = filled(tmp_path / "here")
    here.store().put("lease.feature", {"by": "alice@here", "job": "17", "released": None}, None)
    with pytest.raises(StoreError, match="feature is being run by alice@here"):
        copy(store_at, "file://", url(nats_place), here.folder)


def test_the_playbook_copies_verifies_and_is_idempotent(tmp_path: Path, nats_place: Place) -> None:
    here = filled(tmp_path / "here")

    def play(*more: str) -> subprocess.CompletedProcess[str]:
        command = [
            str(Path(sys.executable).parent / "ansible-playbook"),
            "-i",
            "localhost,",
            "-c",
            "local",
            "playbooks/store.yml",
        ]
        variables = ["-e", f"rollout_monitoring_dir={here.folder}", *more]
        return subprocess.run(
            [*command, *variables], cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
        )

    there = ("-e", "store_from=file://", "-e", f"store_to={url(nats_place)}")
    first, second = play(*there), play(*there)
    assert first.returncode == second.returncode == 0, first.stdout + first.stderr
    assert "feature: verified: 3 records" in second.stdout
    assert "feature: copied: 3 records, chain whole; 2 evidence files" in first.stdout
    (here.folder / "checkpoints" / "feature" / "T+6h" / "evidence.json").unlink()
    broken = play()
    assert broken.returncode != 0
    assert "record 3 (T+6h): evidence.json" in broken.stdout + broken.stderr
    assert "Traceback" not in broken.stdout + broken.stderr
