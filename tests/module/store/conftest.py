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
from tests.module.store.places import Place, jetstream


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is gone is gone for good in these tests."""
    monkeypatch.setattr(_nats_link, "PATIENCE_S", 3.0)


@pytest.fixture(autouse=True)
def closed_links(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What steps do at their end."""
    made: list[_nats_link.Link] = []
    begin = _nats_link.Link.__init__

    def noted(link: _nats_link.Link, *given: Any, **more: Any) -> None:
        made.append(link)
        begin(link, *given, **more)

    monkeypatch.setattr(_nats_link.Link, "__init__", noted)
    yield
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
