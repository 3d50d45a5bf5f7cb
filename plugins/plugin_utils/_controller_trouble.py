# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller's own disk or limits refuse: told with the path and the way out, not as a fault of the collection. Pure."""

from __future__ import annotations

import errno

_HELP = {
    errno.ENOSPC: "free space on that disk",
    errno.EDQUOT: "free space there, or raise the quota",
    errno.EFBIG: "raise the limit for the size of files (ulimit -f)",
    errno.EROFS: "mount it read-write",
    errno.EACCES: "let this user write there",
    errno.EPERM: "let this user write there",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "see what has so many files open on this machine",
    errno.EIO: "look at the disk",
    errno.ENOTDIR: "a file stands where a folder must be: move it away",
}


def cause_of(error: BaseException) -> OSError | None:
    """The trouble of the controller that an error came from, if that is what it was."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in _HELP:
            return seen
        seen = seen.__cause__
    return None


def sentence(trouble: OSError, folder: str) -> str:
    """What could not be done, where, and what to do. `folder`: where the rollout keeps its record, if the error names no file."""
    where = str(trouble.filename or folder)
    return (
        f"the controller could not read or write {where}: {trouble.strerror}. Nothing was decided, and nothing goes on unrecorded: "
        f"{_HELP[trouble.errno or 0]}, then start the same command again"
    )


def way_back(rollout: str, backup: str) -> str:
    """How the change is taken back meanwhile, without what can't be written."""
    return (
        f"To take the change back before that, without this record: ansible-playbook playbooks/rollback.yml -e rollout={rollout} "
        f"-e rollout_monitoring_dir=<an empty folder on another disk> -e rollout_backup_dir={backup}"
    )
