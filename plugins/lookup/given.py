# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup: a variable that people set, in its type."""

from __future__ import annotations

DOCUMENTATION = r"""
name: given
short_description: A variable of a rollout in its type, however it was given
version_added: 0.2.0
author: Cowboy AI (@thecowboyai)
description:
  - Reads a variable that people set on the command line, in an inventory or in a survey of AWX, and gives it the type that it has in this
    collection. Undefined and empty count as not given.
  - AWX writes answers as C(!unsafe 'false'), which ansible-core resolves anew. What was written is read from the file of extra variables, so that
    V(no) stays a reason, and V(0123) a name.
  - A value that is not of the variable's type is refused with its name.
options:
  _terms:
    description: Names of variables of this collection.
    required: true
  host:
    description: Of which host; the one that the task runs for by default.
    type: str
  default:
    description: What a variable is that is not given, instead of its own default.
    type: raw
"""

EXAMPLES = r"""
- name: Ask the hosts, unless somebody says not to
  ansible.builtin.include_tasks: fleet.yml
  when: lookup('cowboyai.rollout.given', 'live')
"""

RETURN = r"""
_raw:
  description: The values, in the order of the terms.
  type: list
  elements: raw
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._play_variables import PlayVariables
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._step_error import StepError
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._variables import VARIABLES, default_of, value_of


class LookupModule(LookupBase):
    def run(self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        self.set_options(var_options=variables, direct=kwargs)
        play: Mapping[str, Any] = PlayVariables(variables or {}, self._templar)
        host = self.get_option("host")
        values = play["hostvars"][host] if host else play
        unknown = [str(term) for term in terms if str(term) not in VARIABLES]
        if unknown:
            raise AnsibleError(f"lookup given: {', '.join(unknown)}: no variable of this collection.")
        try:
            return [self._value(values, str(term)) for term in terms]
        except StepError as error:
            raise AnsibleError(str(error)) from None

    def _value(self, values: Mapping[str, Any], name: str) -> Any:
        default = self.get_option("default")
        return value_of(values, name, default_of(name) if default is None else default)
