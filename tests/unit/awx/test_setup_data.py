# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role awx_setup says of templates, surveys and the workflow, against the playbooks that they start."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
ROLE = ROOT / "roles" / "awx_setup"
#: A file is offered as a playbook only where AWX finds a line like this (awx/main/utils/ansible.py of 24.6).
SEEN_BY_AWX = re.compile(
    r"^\s*?-?\s*?(?:hosts|(ansible\.builtin\.)?include|(ansible\.builtin\.)?import_playbook):\s*?.*?$", re.MULTILINE
)


class Loader(yaml.SafeLoader):
    """With Ansible's tag for what is no template."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def read(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader)


DATA: dict[str, Any] = read(ROLE / "vars" / "main.yml")
QUESTIONS: dict[str, dict[str, Any]] = DATA["awx_setup_questions"]
TEMPLATES: list[dict[str, Any]] = DATA["awx_setup_templates"]
WAVES = [path.stem for path in sorted((ROOT / "playbooks").glob("wave*.yml"))]
WAVE = {**DATA["awx_setup_wave"], "name": "{wave}"}
NODES = {node["id"]: node for node in DATA["awx_setup_nodes"]}


def parts(playbook: Path) -> str:
    """The text of a playbook, of the playbooks that it imports, and of the roles that they use, with what the roles include."""
    texts, roles = [playbook.read_text(encoding="utf-8")], set()
    for name in re.findall(r"import_playbook: (\S+)", texts[0]):
        texts.append(parts(playbook.parent / name))
    found = set(re.findall(r"cowboyai\.rollout\.(\w+)", "\n".join(texts)))
    while found - roles:
        role = (found - roles).pop()
        roles.add(role)
        folder = ROOT / "roles" / role
        for file in [*folder.glob("tasks/*.yml"), folder / "meta" / "argument_specs.yml"]:
            if file.is_file():
                texts.append(file.read_text(encoding="utf-8"))
                found |= set(re.findall(r"cowboyai\.rollout\.(\w+)", texts[-1]))
    return "\n".join(texts)


def plugins() -> str:
    files = [
        *(ROOT / "plugins" / "action").glob("*.py"),
        *(ROOT / "plugins" / "plugin_utils").glob("*.py"),
        *(ROOT / "plugins" / "lookup").glob("*.py"),
    ]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def starts() -> list[tuple[dict[str, Any], str]]:
    """Every template with the playbook that it starts."""
    fixed = [(template, str(template["playbook"])) for template in TEMPLATES]
    return fixed + [(WAVE, f"playbooks/{wave}.yml") for wave in WAVES]


def test_every_template_starts_a_playbook_of_the_project() -> None:
    missing = {playbook for _template, playbook in starts() if not (ROOT / playbook).is_file()}
    assert missing == set()
    assert len(starts()) > len(WAVES) >= 3


def test_awx_takes_every_playbook_for_one() -> None:
    playbooks = {playbook for _template, playbook in starts()}
    unseen = {
        playbook for playbook in playbooks if not SEEN_BY_AWX.search((ROOT / playbook).read_text(encoding="utf-8"))
    }
    assert unseen == set()
    # As docs/adding-a-wave.md writes them in short.
    assert not SEEN_BY_AWX.search("- {name: Preflight, ansible.builtin.import_playbook: steps/preflight.yml}")


@pytest.mark.parametrize(("template", "playbook"), starts())
def test_a_survey_asks_only_for_what_its_playbook_knows(template: dict[str, Any], playbook: str) -> None:
    read_by_plugins = set(re.findall(r'(?:value_of|is_true)\(\s*[\w.]+,\s*"(\w+)"', plugins()))
    text = parts(ROOT / playbook)
    asked = {QUESTIONS[name]["variable"] for name in template["asks"]} | set(template.get("variables", {}))
    unknown = {name for name in asked - read_by_plugins if not re.search(rf"\b{name}\b", text)}
    assert unknown == set()


def test_no_wave_and_no_workflow_asks_for_what_a_waves_playbook_says_itself() -> None:
    said_itself = {"rollout", "phase", "checkpoint", "approval"}
    for asks in (WAVE["asks"], DATA["awx_setup_workflow_asks"]):
        assert {QUESTIONS[name]["variable"] for name in asks} & said_itself == set()
    assert "variables" not in NODES["wave"]


def test_every_question_is_one_that_awx_takes() -> None:
    for name, question in QUESTIONS.items():
        assert {
            "variable",
            "question_name",
            "question_description",
            "type",
            "required",
            "default",
        } <= question.keys(), name
        assert isinstance(question["question_description"], str)
        assert (question["type"] == "multiplechoice") == ("choices" in question), name
        if isinstance(question.get("choices"), list):
            assert all(isinstance(choice, str) for choice in question["choices"]), name
            assert question["default"] in ("", *question["choices"]), name
        # An answer that nobody gives must be harmless: "" where there are no choices, a default where there are.
        assert question["required"] or question["type"] == "text", name


def test_names_of_templates_and_workflows_differ() -> None:
    # A job under a workflow of its own template's name is taken for a slice.
    assert DATA["awx_setup_workflow"] == "{{ awx_setup_prefix }} {{ awx_setup_of }} workflow"
    assert not any(template["name"].endswith("workflow") for template in TEMPLATES)


# ---------------------------------------------------------------- the workflow, as AWX runs it


def run(ends: dict[str, str]) -> tuple[str, list[str]]:
    """How a workflow ends whose nodes end as given (`success` where nothing is said), and which nodes ran.

    AWX starts what follows a node on the path of its end. A failed node that has no path for it makes the workflow fail.
    """
    targets = {after for node in NODES.values() for how in ("success", "failure") for after in node.get(how, [])}
    due, ran, failed = [name for name in NODES if name not in targets], [], False
    while due:
        name = due.pop(0)
        ran.append(name)
        end = "failure" if always_fails(NODES[name]) else ends.get(name, "success")
        follow = NODES[name].get(end, [])
        failed = failed or (end == "failure" and not follow)
        due += [each for each in follow if each not in ran and each not in due]
    return ("failed" if failed else "successful"), ran


def always_fails(node: dict[str, Any]) -> bool:
    template = next((each for each in TEMPLATES if each["name"] == node.get("job")), {})
    return bool(template.get("variables", {}).get("rollback_ends_failed"))


@pytest.mark.parametrize(
    ("ends", "status", "ran"),
    [
        ({}, "successful", ["preflight", "start", "wave", "keep", "kept"]),
        ({"preflight": "failure"}, "failed", ["preflight"]),
        ({"start": "failure"}, "failed", ["preflight", "start"]),
        # A wave that did not end with GO, that was canceled, or that ran into a timeout.
        ({"wave": "failure"}, "failed", ["preflight", "start", "wave", "undo"]),
        # Denied, and the rollback works.
        ({"keep": "failure"}, "failed", ["preflight", "start", "wave", "keep", "undo"]),
        ({"kept": "failure"}, "failed", ["preflight", "start", "wave", "keep", "kept"]),
    ],
)
def test_the_workflow_is_green_only_for_a_wave_that_is_kept(ends: dict[str, str], status: str, ran: list[str]) -> None:
    assert run(ends) == (status, ran)


def test_the_nodes_name_templates_and_nodes_that_exist() -> None:
    names = {template["name"] for template in TEMPLATES} | {"{wave}"}
    for name, node in NODES.items():
        assert ("job" in node) != ("approval" in node), name
        assert node.get("job", "{wave}") in names, name
        assert {*node.get("success", []), *node.get("failure", [])} <= NODES.keys(), name
        template = next((each for each in TEMPLATES if each["name"] == node.get("job")), None)
        if template:
            needed = {
                QUESTIONS[q]["variable"]
                for q in template["asks"]
                if QUESTIONS[q]["required"] and QUESTIONS[q]["default"] == ""
            }
            assert needed <= {"rollout", *node.get("variables", {})}, name
            assert {"rollout", *node.get("variables", {})} <= {QUESTIONS[q]["variable"] for q in template["asks"]}, name


def test_only_these_modules_of_another_collection_are_used() -> None:
    used = set(
        re.findall(r"\bawx\.awx\.(\w+):", "\n".join(path.read_text() for path in (ROLE / "tasks").glob("*.yml")))
    )
    mocked = {name.removeprefix("awx.awx.") for name in read(ROOT / ".config" / "ansible-lint.yml")["mock_modules"]}
    assert used == mocked
