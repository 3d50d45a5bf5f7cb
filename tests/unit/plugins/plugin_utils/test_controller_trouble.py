# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trouble of the controller's own disk is told with its path and its way out; anything else stays a fault of ours."""

from __future__ import annotations

import errno
import os

import pytest
from ansible_collections.cowboyai.rollout.plugins.plugin_utils import _controller_trouble
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._ledger import LedgerError


@pytest.mark.parametrize(
    ("code", "help_"),
    [
        (errno.ENOSPC, "free space"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "mount it read-write"),
        (errno.EACCES, "let this user write"),
        (errno.EMFILE, "ulimit -n"),
        (errno.EFBIG, "ulimit -f"),
    ],
)
def test_a_sentence_with_the_path_and_what_to_do(code: int, help_: str) -> None:
    trouble = _controller_trouble.cause_of(OSError(code, os.strerror(code), "/var/m/evidence.json"))
    assert trouble is not None
    text = _controller_trouble.sentence(trouble, "/var/m")
    assert text.startswith(
        f"the controller could not read or write /var/m/evidence.json: {os.strerror(code)}. Nothing was decided"
    )
    assert help_ in text
    assert "\n" not in text


def test_an_error_that_names_no_file_is_about_the_folder_of_the_record() -> None:
    trouble = _controller_trouble.cause_of(OSError(errno.ENOSPC, "No space left on device"))
    assert trouble is not None
    assert "write /var/m: No space left" in _controller_trouble.sentence(trouble, "/var/m")


def test_what_was_behind_an_error_of_the_ledger() -> None:
    def refused() -> LedgerError:
        try:
            raise LedgerError("could not write") from OSError(errno.ENOSPC, "full")
        except LedgerError as error:
            return error

    assert _controller_trouble.cause_of(refused()) is not None
    assert _controller_trouble.cause_of(LedgerError("altered")) is None


@pytest.mark.parametrize("error", [KeyError("x"), OSError(errno.ECONNREFUSED, "refused"), OSError("no number")])
def test_other_errors_are_not_the_disks(error: Exception) -> None:
    assert _controller_trouble.cause_of(error) is None
