# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._catalogue import (
    Catalogue,
    CatalogueError,
    PlaceholderError,
    fill,
)
from hypothesis import given
from hypothesis import strategies as st

AGENTS = "agent,cluster,agent_id\nnix-expert,infrastructure,07\nqa-expert,quality,09\n"


def test_the_agents_of_the_fleet_are_31_with_their_ids(catalogue: Catalogue) -> None:
    assert len(catalogue) == 31
    assert catalogue.row("network-expert")["agent_id"] == "01936f88-d2a9-7000-8000-000000000008"
    assert len({catalogue.row(agent)["agent_id"] for agent in catalogue}) == 31


def test_agents_keep_the_order_of_the_file() -> None:
    assert Catalogue.from_text(AGENTS).agents == ["nix-expert", "qa-expert"]


def test_placeholders_are_filled_for_an_instance() -> None:
    catalogue = Catalogue.from_text(AGENTS)
    filled = catalogue.expand("agent.*.{cluster}.{agent_id}.{agent}@{host}", "nix-expert", "dgx-1")
    assert filled == "agent.*.infrastructure.07.nix-expert@dgx-1"


def test_an_unknown_placeholder_names_itself_and_what_is_known() -> None:
    with pytest.raises(PlaceholderError) as caught:
        Catalogue.from_text(AGENTS).expand("{agnt}", "nix-expert", "dgx-1")
    assert caught.value.name == "agnt"
    assert "unknown placeholder {agnt}" in str(caught.value)
    assert "{agent}, {host}, {cluster}, {agent_id}" in str(caught.value)


def test_the_host_is_unknown_where_none_is_given() -> None:
    with pytest.raises(PlaceholderError, match="host"):
        Catalogue.from_text(AGENTS).expand("{host}", "nix-expert")


@pytest.mark.parametrize("text", ["", "plain", "{}", "{ agent }", '{"a": 1}', "{0}", "{{x y}}", "%s $HOME \\1"])
def test_text_without_placeholders_stays(text: str) -> None:
    assert Catalogue.from_text(AGENTS).expand(text, "nix-expert", "dgx-1") == text


def test_double_braces_are_not_special() -> None:
    assert fill("{{agent}}", {"agent": "x"}) == "{x}"


@given(st.text(alphabet="{}ab\\1"))
def test_a_value_is_never_expanded_again(value: str) -> None:
    assert fill("<{a}>", {"a": value}) == f"<{value}>"


@pytest.mark.parametrize(
    ("text", "line", "fragment"),
    [
        ("", 1, "a column agent"),
        ("name,id\nx,1\n", 1, "a column agent"),
        ("agent\n", 1, "at least one line"),
        ("agent,id,id\nx,1,2\n", 1, "each column once"),
        ("agent,host\nx,1\n", 1, "another name"),
        ("agent,my id\nx,1\n", 1, "a column name"),
        ("agent,id\nx\n", 2, "2 (agent,id)"),
        ("agent,id\nx,1,2\n", 2, "2 (agent,id)"),
        ("agent\nx\ny\nx\n", 4, "each agent once"),
        ("agent\nx\nX\n", 3, "each agent once"),
        ('agent,id\n"",1\n', 2, "the name of an agent"),
        ("agent\na/b\n", 2, "letters, digits"),
        ("agent\na..b\n", 2, "letters, digits"),
        ("agent\n-a\n", 2, "letters, digits"),
        ("agent\n../../etc\n", 2, "letters, digits"),
        ('agent,id\nx,"a\nb"\n', 3, "text on one line"),
        ('agent,id\nx,"a"b\n', 2, "comma separated"),
    ],
)
def test_mistakes_are_refused_with_their_line(text: str, line: int, fragment: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        Catalogue.from_text(text, "agents.csv")
    problem = caught.value.problems[0]
    assert (problem.file, problem.line) == ("agents.csv", line)
    assert fragment in problem.expected


def test_all_mistakes_are_reported_at_once() -> None:
    with pytest.raises(CatalogueError) as caught:
        Catalogue.from_text("agent\na/b\nok\nok\n")
    assert [problem.line for problem in caught.value.problems] == [2, 4]


def test_a_missing_file_is_a_problem_of_that_file(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"none\.csv: seen No such file"):
        Catalogue.read(tmp_path / "none.csv")


def test_windows_line_ends_and_a_byte_order_mark_are_no_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "agents.csv"
    path.write_bytes(b"\xef\xbb\xbfagent,id\r\nx,1\r\n")
    assert Catalogue.read(path).row("x") == {"agent": "x", "id": "1"}


@given(st.text(max_size=200))
def test_wild_text_gives_a_catalogue_or_a_catalogue_error(text: str) -> None:
    try:
        assert Catalogue.from_text(text).agents
    except CatalogueError as error:
        assert error.problems
