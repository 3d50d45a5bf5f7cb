# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._store import _nats_link

from tests.module.nats import servers
from tests.module.store.places import Patience, Place, jetstream


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> Iterator[Patience]:
    """Of every link; and what steps do at their end: links are closed."""
    made: list[_nats_link.Link] = []
    begin, one = _nats_link.Link.__init__, Patience()

    def noted(link: _nats_link.Link, *given: Any, **more: Any) -> None:
        made.append(link)
        begin(link, *given, **{"clock": one.clock, "sleep": one.sleep, **more})

    monkeypatch.setattr(_nats_link.Link, "__init__", noted)
    yield one
    for link in made:
        link.close()


@pytest.fixture
def nats_place(tmp_path: Path) -> Iterator[Place]:
    with servers.running(tmp_path, jetstream(tmp_path / "js")) as server:
        yield Place(tmp_path / "monitoring", server)


@pytest.fixture(params=["file", "nats"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "file":
        return Place(tmp_path / "monitoring", None)
    found: Place = request.getfixturevalue("nats_place")
    return found
