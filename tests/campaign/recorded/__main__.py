# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record whole rollouts on a rehearsal fleet of their own, as the fixtures of tests/unit/recorded.

    make recorded                   all of them; ARGS='hold shadow' for some
    make recorded ARGS=--results    without a fleet: only what this version makes of those that are recorded

The second is for a change that is meant to change what is decided or written; what it alters shows in the unit tests before.
"""

from __future__ import annotations

import argparse
import getpass
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT)]

from tests.campaign.bad import test_bad_change as bad  # noqa: E402
from tests.campaign.bad.parts import ROLLOUT, SKIPPING, Parts  # noqa: E402
from tests.campaign.triggers import campaign  # noqa: E402
from tests.rollout.scenario import boundaries, plans, recorded, small  # noqa: E402
from tests.rollout.scenario.boundaries import Boundary  # noqa: E402
from tests.unit.recorded import archive, results  # noqa: E402
from tests.unit.recorded.archive import FixtureError  # noqa: E402

NAME = "recorded"
AGENTS = f"nats-expert,{campaign.AGENTS}"
#: Fixture, rollout, and the outcome without which it is not what its name says.
Kept = tuple[str, str, str]
Act = Callable[[Parts], Iterator[Kept]]
UNCOUNTED = Boundary(small.DEPLOY_FIRST, "cowboyai.rollout.deploy : Count what is proven", 2)


def wave1(story: Parts) -> Iterator[Kept]:
    story.run("wave1", "playbooks/wave1.yml", limit="dgx", extra=SKIPPING, deadline_s=boundaries.WITHIN_S)
    yield "wave1_go", "wave1", "GO"


def wave2(story: Parts) -> Iterator[Kept]:
    recorded.wave1(story.monitoring)
    story.run("wave2", "playbooks/wave2.yml", limit="dgx", extra=SKIPPING, deadline_s=boundaries.WITHIN_S)
    yield "wave2_go", "wave2", "GO"


def bad_change(part: str) -> Act:
    def act(story: Parts) -> Iterator[Kept]:
        bad.act(story, part)
        yield f"bad_{part}", ROLLOUT, "ROLLED BACK"

    return act


def _small(story: Parts) -> dict[str, object]:
    story.tool("traffic", "start", "--rate", "20")
    return {"rollout_plan": str(plans.write(story.out, small.small())), **SKIPPING}


def killed(story: Parts) -> Iterator[Kept]:
    """Between a change and its count, given again; then taken back by an operator."""
    extra = _small(story)
    with boundaries.running(story, "killed", small.PLAYBOOK, [UNCOUNTED], signal.SIGKILL, extra=extra):
        pass
    story.run("again", small.PLAYBOOK, extra=extra, deadline_s=boundaries.WITHIN_S)
    yield "killed_and_resumed", small.ROLLOUT, "GO"
    story.run("undone", "playbooks/rollback.yml", extra={"rollout": small.ROLLOUT, **SKIPPING})
    yield "operator_rollback", small.ROLLOUT, "ROLLED BACK"


def hold(story: Parts) -> Iterator[Kept]:
    """A host that nobody reaches at a checkpoint."""
    before = boundaries.look(small.CHECKPOINT)
    with boundaries.running(story, "hold", small.PLAYBOOK, [before], extra=_small(story)) as run:
        run.comes_to(before)
        story.cut_ssh("dgx-3")
        run.goes_on()
    yield "hold", small.ROLLOUT, "HOLD"


def cancelled(story: Parts) -> Iterator[Kept]:
    """Stopped by a person during its soak, with the wish that all goes back."""
    before = boundaries.look(small.SOAK)
    with boundaries.running(story, "cancelled", small.PLAYBOOK, [before], extra=_small(story)) as run:
        run.comes_to(before)
        extra = {"rollout": small.ROLLOUT, "reason": "not today", "stop_with": "rollback"}
        story.run("stop", "playbooks/stop.yml", extra=extra)
        run.goes_on()
    yield "cancelled", small.ROLLOUT, "ROLLED BACK"


def shadow(story: Parts) -> Iterator[Kept]:
    extra = {**_small(story), "rollout_shadow": True}
    story.run("shadow", small.PLAYBOOK, extra=extra, deadline_s=boundaries.WITHIN_S)
    yield "shadow", f"{small.ROLLOUT}-shadow", "GO"


ACTS: dict[str, Act] = {
    "wave1": wave1,
    "wave2": wave2,
    "killed": killed,
    "hold": hold,
    "cancelled": cancelled,
    "shadow": shadow,
    **{f"bad_{part}": bad_change(part) for part in bad.FAULTS},
}


def keep(monitoring: Path, kept: Kept) -> None:
    """Make the fixture. FixtureError when the rollout did not end as its name says."""
    name, rollout, wanted = kept
    words = {f"{getpass.getuser()}@{socket.gethostname()}": "operator@controller", str(ROOT): "/collection"}
    files = archive.masked(archive.read_rollout(monitoring, rollout), rollout, words)
    write(name, files, rollout)
    made = archive.unpack(archive.path_of(name).read_bytes())
    status = made[f"{archive.RESULTS}/status.txt"].decode().splitlines()[0]
    if f"{rollout}  {wanted}  " not in status:
        archive.path_of(name).unlink()
        raise FixtureError(f"{name}: seen {status!r}, expected {wanted}; {monitoring} has all of it")
    print(f"{name}: {archive.path_of(name).stat().st_size} bytes, {status}")


def write(name: str, files: dict[str, bytes], rollout: str) -> None:
    """A fixture with what this version makes of it."""
    with tempfile.TemporaryDirectory() as folder:
        archive.lay_out(files, Path(folder))
        found = results.results_of(Path(folder), rollout)
    whole = {**files, **{f"{archive.RESULTS}/{path}": text.encode() for path, text in found.items()}}
    data = archive.pack(whole)
    if len(data) > archive.MOST_BYTES:
        raise FixtureError(f"{name}: {len(data)} bytes, expected at most {archive.MOST_BYTES}")
    archive.FIXTURES.mkdir(exist_ok=True)
    archive.path_of(name).write_bytes(data)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("acts", nargs="*", metavar="ACT", help=f"of {', '.join(ACTS)}")
    parser.add_argument("--results", action="store_true")
    options = parser.parse_args()
    unknown = [name for name in options.acts if name not in ACTS]
    if unknown:
        parser.error(f"no such act: {', '.join(unknown)}; there are {', '.join(ACTS)}")
    if options.results:
        for name in archive.names():
            files = archive.inputs(archive.unpack(archive.path_of(name).read_bytes()))
            write(name, files, archive.rollout_of(files))
        return 0
    for name in options.acts or ACTS:
        # Hosts of its own each time: what one rollout leaves in the journals is no part of the next.
        with campaign.fleets([NAME], agents=AGENTS):
            story = Parts(NAME, NAME)
            for kept in ACTS[name](story):
                keep(story.monitoring, kept)
    return 0


if __name__ == "__main__":
    sys.exit(main())
