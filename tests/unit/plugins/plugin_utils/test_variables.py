# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables in their types, and texts of extra variables as they were written."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import StepError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._extra_vars import restored, written
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._variables import (
    VARIABLES,
    default_of,
    is_true,
    kind_of,
    value_of,
)


@pytest.mark.parametrize(
    ("name", "given", "read"),
    [
        *[("live", word, True) for word in (True, "true", "True", "yes", "on", "1", 1, " true ")],
        *[("live", word, False) for word in (False, "false", "no", "OFF", "0", 0)],
        ("rollout_wait", "off", False),
        ("reason", "no", "no"), ("reason", False, "no"), ("reason", 83, "83"),
        ("phase", 3, "3"), ("phase", " first ", "first"), ("phase", ["first"], "first"),
        ("agent", "a, b,", ["a", "b"]), ("agent", ["a", "b"], ["a", "b"]), ("agent", 7, ["7"]),
        ("notify_level", "2", 2), ("soak_rounds", 3.0, 3),
        ("awx_user_name", 83, "83"),
        ("rollout_nats_auth", {"password": "x"}, {"password": "x"}),
        ("not_ours", [1], [1]),
    ],
)  # fmt: skip
def test_what_a_variable_says(name: str, given: Any, read: Any) -> None:
    seen = value_of({name: given}, name)
    assert (seen, type(seen)) == (read, type(read))


@pytest.mark.parametrize("name", VARIABLES)
@pytest.mark.parametrize("given", [{}, {"value": None}, {"value": ""}])
def test_what_was_not_given_is_the_default(name: str, given: dict[str, Any]) -> None:
    variables = {name: given["value"]} if given else {}
    assert value_of(variables, name) is None
    assert value_of(variables, name, default_of(name)) == default_of(name)


@pytest.mark.parametrize("given", [" ", [], [""], ","])
def test_names_of_nothing_are_not_given(given: Any) -> None:
    assert value_of({"agent": given}, "agent", "default") == "default"


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("live", "flase", "true or false"), ("live", 2, "true or false"), ("live", ["true"], "true or false"),
        ("rollout", False, "in quotes"), ("phase", ["a", "b"], "one name"), ("phase", {"a": 1}, "one name"),
        ("agent", [True], "names"),
        ("notify_level", "high", "a whole number"), ("notify_level", True, "a whole number"), ("soak_rounds", "1.5", "a whole number"),
    ],
)  # fmt: skip
def test_what_is_of_another_type_is_refused_by_name(name: str, given: Any, expected: str) -> None:
    with pytest.raises(StepError, match=rf"^{name}: seen .*, expected .*{expected}"):
        value_of({name: given}, name)


def test_a_refusal_shows_no_secret() -> None:
    with pytest.raises(StepError) as caught:
        value_of({"rollout_nats_url": {"password": "hunter2"}}, "rollout_nats_url")
    assert "hunter2" not in str(caught.value)


def test_every_default_is_of_its_type() -> None:
    for name, variable in VARIABLES.items():
        if variable.default not in (None, "", [], {}):
            assert kind_of(name).read(variable.default) == variable.default, name
    assert is_true({}, "live") and is_true({}, "rollout_wait") and not is_true({}, "rollout_shadow")


# ---------------------------------------------------------------- as they were written


def nodes(*options: str, **files: str) -> dict[str, Any]:
    return written(options, lambda name: files[name])


@pytest.mark.parametrize(
    ("text", "resolved"), [("no", False), ("0123", 83), ("", None), ("~", None), ("1.10", 1.1), ("12:30:45", 45045)]
)
def test_a_tagged_text_is_what_it_was(text: str, resolved: Any) -> None:
    found = nodes(
        "@file",
        file=f"!unsafe 'x': !unsafe '{text}'\n!unsafe 'y': [!unsafe '{text}', 2]\n!unsafe 'z': {{!unsafe 'k': !unsafe '{text}'}}\n",
    )
    assert restored("x", resolved, found) == text
    assert restored("y", [resolved, 2], found) == [text, 2]
    assert restored("z", {"k": resolved, "other": 1}, found) == {"k": text, "other": 1}


def test_a_plain_text_is_one_for_who_reads_texts_only() -> None:
    found = nodes("@file", file="reason: no\nphase: 0123\nlive: no\nrollout: ~\nagent: [no, 07]\n")
    assert restored("reason", False, found) == "no"
    assert restored("phase", 83, found) == "0123"
    assert restored("agent", [False, 7], found) == ["no", "07"]
    assert restored("live", False, found) is False
    assert restored("rollout", None, found) is None


def test_what_ansible_made_of_a_template_stays() -> None:
    found = nodes('{"reason": "{{ 1 }}", "rollout_plan": "{{ here }}/x.yml"}')
    assert restored("rollout_plan", "/a/x.yml", found) == "/a/x.yml"


def test_the_last_one_counts() -> None:
    found = nodes("@one", "reason=yes", one="reason: no\nphase: no\n")
    assert restored("reason", "yes", found) == "yes"
    assert restored("reason", True, found) is True
    assert restored("reason", False, nodes("@one", "{reason: off}", one="reason: no\n")) == "off"


@pytest.mark.parametrize("text", ["$ANSIBLE_VAULT;1.1;AES256\n6162\n", "[a, b]", "a: [", "\x00", "", "- a"])
def test_what_is_no_mapping_says_nothing(text: str) -> None:
    assert nodes("@file", file=text) == {}


def test_a_file_that_is_gone_says_nothing() -> None:
    def gone(name: str) -> str:
        raise FileNotFoundError(name)

    assert written(["@gone"], gone) == {}
