# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restored file is the one that was backed up, to the last byte and permission bit."""

from __future__ import annotations

import os
import stat

import pytest
from ansible_collections.cowboyai.rollout.plugins.module_utils import _agent_backup, _agent_change, _agent_restore


@pytest.mark.parametrize(
    "content",
    [
        b"FLAG=false\nOTHER=1",
        b"FLAG=false\nOTHER=1\n\n\n",
        b"FLAG=false\n\n# a comment\n\nOTHER=1 \n",
        b"\xef\xbb\xbfOTHER=1\nFLAG=false\n",
        b"# na\xefve\nFLAG=false\n",
        b"FLAG=false\r\nOTHER=1\r\n",
        b'FLAG=false\nOTHER="a \\\nb"\n',
        b"",
    ],
    ids=[
        "no last newline",
        "three of them",
        "blanks",
        "byte order mark",
        "latin-1",
        "carriage returns",
        "goes on",
        "empty",
    ],
)
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_a_file_comes_back_byte_for_byte(host, tmp_path, content, mode):
    unit = host.add("a")
    with open(unit.env_file, "wb") as stream:
        stream.write(content)
    os.chmod(unit.env_file, mode)
    host.start(unit)
    directory = str(tmp_path / "backups")
    backed_up = _agent_backup.backup(host, [host.instance("a", log=None)], directory, "wave", "h1")
    assert "failed" not in backed_up, backed_up
    _agent_change.change(host, [host.instance("a", {"FLAG": "true"})])
    os.chmod(unit.env_file, 0o644)
    with open(unit.env_file, "rb") as stream:
        assert stream.read() != content
    result = _agent_restore.restore(host, directory)["instances"]["a"]
    with open(unit.env_file, "rb") as stream:
        assert stream.read() == content
    assert stat.S_IMODE(os.stat(unit.env_file).st_mode) == mode
    assert (result["state"], result["reason"]) == ("restored", None)
