# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps a rollout's metrics file for node_exporter's textfile collector up to date with its ledger."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from ansible_collections.cowboyai.rollout.plugins.plugin_utils._context import Context
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._exposition import exposition
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._newest_summary import newest_summary
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._private_folder import private_folder
from ansible_collections.cowboyai.rollout.plugins.plugin_utils._variables import value_of


def publish(context: Context, warn: Callable[[str], object]) -> list[Path]:
    """Write the metrics if this run has added to the ledger; returns the files. Nothing here may stop a rollout: it warns."""
    written: list[Path] = []
    try:
        # What a step never read, it has not added to either.
        records = context.__dict__.get("records")
        if not records or records[-1].run != context.run:
            return []
        text = exposition(context.state, records, newest_summary(context.monitoring, records))
        for path in targets(context):
            private_folder(path.parent)
            replace_whole(path, text)
            written.append(path)
    except Exception as error:  # metrics are for people who watch; a fault in them is no reason to stop or to fail
        warn(
            f"the metrics of {context.rollout} could not be written: {type(error).__name__}: {error}. The rollout goes on."
        )
    return written


def targets(context: Context) -> list[Path]:
    """`<monitoring>/metrics/<rollout>.prom`, and a copy in `rollout_textfile_dir` where one is named."""
    found = [context.monitoring / "metrics" / f"{context.rollout}.prom"]
    shared = value_of(context.variables, "rollout_textfile_dir")
    if shared:
        # Named so that it stands apart from what others put into the collector's folder.
        found.append(Path(str(shared)).expanduser() / f"cowboyai_rollout_{context.rollout}.prom")
    return found


def replace_whole(path: Path, text: str) -> None:
    """Replace a file in one step, mode 0644: node_exporter reads it as another user, and it holds no secret.

    The collector must never see half a file, nor a second one: the temporary name doesn't end with .prom.
    """
    data = text.encode("utf-8")
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
