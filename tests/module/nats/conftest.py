# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that tests share."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest

from tests.module.nats import servers


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.NatsServer]:
    """One plain server; tests use subjects that do not meet."""
    with servers.running(tmp_path_factory.mktemp("nats")) as running:
        yield running


@pytest.fixture
def directory(tmp_path: pathlib.Path) -> pathlib.Path:
    """A place for the files of a server of one's own."""
    return tmp_path
