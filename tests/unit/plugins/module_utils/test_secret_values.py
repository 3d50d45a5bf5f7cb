# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The value of a secret name is never shown, whatever it looks like; any other value is, but for credentials in it."""

from __future__ import annotations

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _secrets


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "DB_PASSWORD", "OPENAI_API_KEY", "BASIC_AUTH"])
@pytest.mark.parametrize("value", ["hunter2", "", "two words", "https://h/?a=b"])
def test_the_value_of_a_secret_name_is_covered(name, value):
    assert _secrets.mask_value(name, value) == _secrets.MASK


@pytest.mark.parametrize("value", ["hunter2", "", "two words", "https://h/?a=b"])
def test_the_value_of_another_name_is_shown(value):
    assert _secrets.mask_value("LOG_LEVEL", value) == value
