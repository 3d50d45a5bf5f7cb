# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of a play and of its hosts as plugins read them: templated, and with the texts of extra variables as they were written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible.context import CLIARGS
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._extra_vars import of_run, restored


def _as_written(name: str, value: Any) -> Any:
    return restored(name, value, of_run(tuple(str(option) for option in CLIARGS.get("extra_vars") or ())))


class PlayVariables(Mapping[str, Any]):
    """The variables of a play, templated when read: a task's variables arrive raw."""

    def __init__(self, raw: Mapping[str, Any], templar: Any) -> None:
        self._raw, self._templar = raw, templar

    def __getitem__(self, name: str) -> Any:
        if name == "groups":
            return self._raw[name]
        if name == "hostvars":
            return AllHosts(self._raw[name])
        return _as_written(name, self._templar.template(self._raw[name]))

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)


class AllHosts(Mapping[str, Any]):
    """host -> its variables, which Ansible templates by itself."""

    def __init__(self, hostvars: Mapping[str, Any]) -> None:
        self._hostvars = hostvars

    def __getitem__(self, host: str) -> Any:
        return OneHost(self._hostvars[host])

    def __iter__(self) -> Iterator[str]:
        return iter(self._hostvars)

    def __len__(self) -> int:
        return len(self._hostvars)

    def raw_get(self, host: str) -> Any:
        """Not templated: for what a module returned, which is data."""
        of_host = getattr(self._hostvars, "raw_get", self._hostvars.__getitem__)
        return of_host(host)


class OneHost(Mapping[str, Any]):
    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        return _as_written(name, self._values[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
