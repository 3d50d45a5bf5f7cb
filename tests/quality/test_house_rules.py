# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each house rule finds what it is there for, and lets good files pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.quality import house_rules

GOOD_PYTHON = "\n".join(
    [*house_rules.HEADER, '"""Doc."""', "", "from __future__ import annotations", "", "LIMIT = 3", ""]
)


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small tree that breaks no rule."""
    write(tmp_path, "plugins/module_utils/_good.py", GOOD_PYTHON)
    for name in ("README.md", "meta/argument_specs.yml", "tasks/main.yml"):
        write(tmp_path, f"roles/verb/{name}", "---\n")
    write(tmp_path, "tests/unit/test_good.py", GOOD_PYTHON)
    links = tmp_path / house_rules.LINKED_AT
    links.mkdir(parents=True)
    for name in house_rules.LINKS:
        (tmp_path / name).mkdir(exist_ok=True)
        (links / name).symlink_to(f"../../../../{name}")
    return tmp_path


def test_a_good_tree_passes(root: Path) -> None:
    assert house_rules.violations(root) == []


@pytest.mark.parametrize(
    "line",
    [
        "hosts: dgx",
        "host: dgx-1",
        "path: /opt/cim-dgx/x",
        "rollout: wave2",
        "Wave 3",
        "agent: network-expert",
        "cim-agent.>",
    ]
    + ["user: cimadmin", "address: 10.0.20.1", "key: ENABLE_UNIFIED_SUBJECTS"],
)
def test_a_name_of_one_site_in_a_role_is_found(root: Path, line: str) -> None:
    write(root, "roles/verb/tasks/main.yml", f"---\n{line}\n")
    (found,) = house_rules.violations(root)
    assert found.startswith("roles/verb/tasks/main.yml:2: ")


def test_words_that_only_look_like_a_site_are_left_alone(root: Path) -> None:
    write(root, "roles/verb/tasks/main.yml", "---\n# an expert reads 2 waves of unified traffic; edgx\n")
    assert house_rules.violations(root) == []


@pytest.mark.parametrize("name", ["README.md", "meta/argument_specs.yml", "tasks/main.yml"])
def test_a_role_with_a_file_missing_is_found(root: Path, name: str) -> None:
    (root / "roles/verb" / name).unlink()
    assert house_rules.violations(root) == [f"roles/verb: {name} is missing"]


def test_a_python_file_without_header_or_future_import_is_found(root: Path) -> None:
    write(root, "plugins/modules/bad.py", "import os\n")
    found = house_rules.violations(root)
    assert [line.split(": ")[0] for line in found] == ["plugins/modules/bad.py:1"] * 2


def test_a_file_that_does_not_parse_is_found(root: Path) -> None:
    write(root, "plugins/modules/bad.py", GOOD_PYTHON + "def\n")
    (found,) = house_rules.violations(root)
    assert found.startswith("plugins/modules/bad.py:9: is no Python")


def test_the_header_of_a_script_follows_its_first_line(root: Path) -> None:
    write(root, "tests/fleet/tool", "#!/usr/bin/env python3\n" + GOOD_PYTHON)
    assert house_rules.violations(root) == []
    write(root, "tests/fleet/tool", "#!/usr/bin/env python3\nimport os\n")
    assert len(house_rules.violations(root)) == 2


def test_a_package_with_nothing_but_words_needs_no_future_import(root: Path) -> None:
    write(root, "plugins/module_utils/__init__.py", "\n".join([*house_rules.HEADER, '"""Doc."""', ""]))
    write(root, "plugins/modules/__init__.py", "")
    assert house_rules.violations(root) == []


@pytest.mark.parametrize(
    "line",
    [
        "MARK = pytest.mark.{}",
        "pytest.{}('why')",
        "MARK = pytest.mark.{}if(True)",
        "pytest.importor{}('x')",
        "MARK = unittest.{}('why')",
    ],
)
def test_a_test_that_is_left_out_is_found(root: Path, line: str) -> None:
    # Put together here, so that this file does not break the rule itself.
    write(root, "tests/unit/test_bad.py", GOOD_PYTHON + line.format("sk" + "ip") + "\n")
    (found,) = house_rules.violations(root)
    assert found.startswith("tests/unit/test_bad.py:9: ")


def test_an_expected_failure_and_an_empty_assertion_are_found(root: Path) -> None:
    write(root, "tests/unit/test_bad.py", GOOD_PYTHON + "MARK = pytest.mark.x" + "fail\nassert " + "True\n")
    assert len(house_rules.violations(root)) == 2


def test_a_link_that_is_missing_replaced_dangling_or_too_much_is_found(root: Path) -> None:
    links = root / house_rules.LINKED_AT
    (links / "roles").unlink()
    (links / "meta").unlink()
    (links / "meta").mkdir()
    (root / "playbooks").rmdir()
    (links / "tests").symlink_to("../../../../tests")
    found = house_rules.violations(root)
    assert sorted(line.split(": ")[1] for line in found) == [
        "does not belong here",
        "expected a link to ../../../../meta",
        "is missing",
        "points to nothing",
    ]


# ---------------------------------------------------------------- variables and their types

TABLE = 'VARIABLES: dict[str, Variable] = {"live": Variable(YES_NO, True), "reason": Variable(TEXT, "")}\n'


@pytest.fixture
def typed(root: Path) -> Path:
    write(root, "plugins/plugin_utils/_variables.py", GOOD_PYTHON + TABLE)
    write(
        root,
        "roles/verb/tasks/main.yml",
        "---\n- verb: {reason: \"{{ lookup('cowboyai.rollout.given', 'reason') }}\", live: \"{{ order.live }}\"}\n",
    )
    assert house_rules.violations(root) == []
    return root


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("- verb:\n  when: live | default(true, true) | bool", "live"),
        ("- verb:\n  when: [order.due, not live]", "live"),
        ("- verb: {why: \"{{ reason | default('') }}\"}", "reason"),
        ('- verb: {why: "{% if reason %}x{% endif %}"}', "reason"),
        ('- verb: {url: "{{ rollout_not_in_the_table }}"}', "rollout_not_in_the_table"),
        ('- verb: {url: "{{ hostvars[item.key].rollout_nats_url }}"}', "rollout_nats_url"),
        ("- verb: {url: \"{{ hostvars[item]['rollout_nats_url'] }}\"}", "rollout_nats_url"),
        ("- verb: {why: \"{{ lookup('vars', 'reason') }}\"}", "reason"),
        ("- verb: {why: \"{{ lookup('cowboyai.rollout.given', 'raeson') }}\"}", "raeson"),
    ],
)
@pytest.mark.parametrize("place", ["roles/verb/tasks/main.yml", "playbooks/steps/verb.yml"])
def test_a_task_that_reads_an_answer_past_its_type_is_found(typed: Path, place: str, task: str, name: str) -> None:
    write(typed, place, f"---\n{task}\n")
    (found,) = house_rules.violations(typed)
    assert found.startswith(f"{place}:") and name in found


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('A = context.variables.get("live")', "live"),
        ('A = play["reason"]', "reason"),
        ('A = hostvars[host]["rollout_x"]', "rollout_x"),
        ('A = value_of(variables, "lvie")', "lvie"),
        ('NAME = "lvie"\nA = value_of(variables, NAME)', "lvie"),
        ('A = context.hostvar(host, "rollout_x")', "rollout_x"),
    ],
)
def test_a_plugin_that_reads_an_answer_past_its_type_is_found(typed: Path, line: str, name: str) -> None:
    write(typed, "plugins/action/verb.py", f"{GOOD_PYTHON}{line}\n")
    found = house_rules.violations(typed)
    assert found and all(each.startswith("plugins/action/verb.py:") and name in each for each in found)


@pytest.mark.parametrize(
    ("option", "kind"), [("live", "bool"), ("reason", "list"), ("rollout_not_in_the_table", "str")]
)
def test_a_spec_that_judges_answers_before_the_door_is_found(typed: Path, option: str, kind: str) -> None:
    spec = "argument_specs: {main: {options: {%s: {type: %s}}}}\n"
    write(typed, "roles/verb/meta/argument_specs.yml", spec % (option, kind))
    (found,) = house_rules.violations(typed)
    assert found.startswith("roles/verb/meta/argument_specs.yml: ") and option in found
    write(typed, "roles/verb/meta/argument_specs.yml", spec % ("reason", "raw"))
    assert house_rules.violations(typed) == []


def test_what_only_has_such_a_name_is_left_alone(typed: Path) -> None:
    fine = 'A = order["reason"]\nB = record.data.get("live")\nC = value_of(variables, "awx_job_id")\nD = is_true(variables, "live")\n'
    write(typed, "plugins/action/verb.py", f"{GOOD_PYTHON}{fine}")
    write(
        typed,
        "roles/verb/tasks/main.yml",
        '---\n- verb: {why: "{{ order.reason }}", live: "reason"}\n  vars: {reason: x}\n',
    )
    assert house_rules.violations(typed) == []


@pytest.mark.parametrize(
    ("play", "found"),
    [
        ("become: true\n  vars: {ansible_host_key_checking: true}", 0),
        ("connection: local", 0),
        ("become: true", 1),
        ("become: true\n  vars: {ansible_host_key_checking: false}", 1),
        ("become: true\n  vars: {other: true}", 1),
    ],
)
def test_a_play_that_goes_to_hosts_unchecked_is_found(root: Path, play: str, found: int) -> None:
    write(root, "playbooks/steps/verb.yml", f"---\n- name: Verb\n  hosts: all\n  {play}\n")
    assert len(house_rules.violations(root)) == found
