# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that the tests bring along into the artifact, where nothing else of tests/ is."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from ansible_collections.cowboyai.rollout.plugins import plugin_utils

from tests.unit.plugins.property_tests import load_profile

load_profile()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: takes long and finds rarely; make test-all runs it")
    tested, own = Path(plugin_utils.__path__[0]).resolve().parents[1], Path(__file__).resolve().parents[3]
    if tested != own:
        raise pytest.UsageError(f"these tests would test the copy of the collection in {tested}, expected {own}")


def pytest_collection_finish() -> None:
    # Thousands of tests and the libraries stay to the end: the collector need not go through them again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
