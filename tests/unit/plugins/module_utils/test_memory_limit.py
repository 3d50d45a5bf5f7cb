# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every service has a memory limit: the smallest one along its control groups, or all that its host has."""

from __future__ import annotations

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils._memory_limit import memory_limit, without_caches

GROUP = "/agents.slice/agents-gpu.slice/run@a.service"
TOTAL = 64 << 30


def put(root, group, name, text):
    folder = root / group.lstrip("/")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text + "\n")


def test_a_host_without_any_limit(tmp_path):
    put(tmp_path, GROUP, "memory.max", "max")
    assert memory_limit(None, GROUP, TOTAL, str(tmp_path)) == (TOTAL, "host")
    assert memory_limit(None, None, TOTAL, str(tmp_path)) == (TOTAL, "host")
    assert memory_limit(None, GROUP, None, str(tmp_path)) == (None, None)


@pytest.mark.parametrize(
    ("tree", "name", "unlimited"),
    [("", "memory.max", "max"), ("memory", "memory.limit_in_bytes", "9223372036854771712")],
)
def test_the_smallest_along_the_control_groups(tmp_path, tree, name, unlimited):
    root = tmp_path / tree
    put(root, GROUP, name, unlimited)
    put(root, "/agents.slice/agents-gpu.slice", name, str(8 << 30))
    put(root, "/agents.slice", name, str(16 << 30))
    assert memory_limit(None, GROUP, TOTAL, str(tmp_path)) == (8 << 30, "/agents.slice/agents-gpu.slice")
    assert memory_limit(4 << 30, GROUP, TOTAL, str(tmp_path)) == (4 << 30, "unit")
    put(root, "/", name, str(2 << 30))
    assert memory_limit(4 << 30, GROUP, TOTAL, str(tmp_path)) == (2 << 30, "/")


def test_a_limit_beyond_the_hosts_memory_is_none(tmp_path):
    assert memory_limit(128 << 30, GROUP, TOTAL, str(tmp_path)) == (TOTAL, "host")


def test_memory_high_is_no_limit(tmp_path):
    put(tmp_path, GROUP, "memory.high", str(1 << 30))
    assert memory_limit(None, GROUP, TOTAL, str(tmp_path)) == (TOTAL, "host")


def test_nothing_outside_of_the_tree_is_read(tmp_path):
    put(tmp_path, "/above", "memory.max", "1")
    assert memory_limit(None, "/../above", TOTAL, str(tmp_path / "tree")) == (TOTAL, "host")


@pytest.mark.parametrize(("tree", "name"), [("", "inactive_file"), ("memory", "total_inactive_file")])
def test_caches_of_files_are_no_use_of_memory(tmp_path, tree, name):
    put(tmp_path / tree, GROUP, "memory.stat", f"anon 5\n{name} 700\nfile 900")
    assert without_caches(1000, GROUP, str(tmp_path)) == 300
    assert without_caches(500, GROUP, str(tmp_path)) == 0


def test_without_such_numbers_all_counts(tmp_path):
    assert without_caches(1000, GROUP, str(tmp_path)) == 1000
    put(tmp_path, "/", "memory.stat", "inactive_file 900")
    assert without_caches(1000, None, str(tmp_path)) == 1000
