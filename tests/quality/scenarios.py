# Copyright (c) 2026 Cowboy AI, LLC
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run molecule's scenarios, two at a time, and count them: `python -m tests.quality.scenarios [name ...]`."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.quality.command import LOGS, RESULTS, ROOT, end_all_on_signals, environment, run
from tests.quality.tally import Tally, from_junit

#: The whole of one scenario, from making its hosts to taking them away.
DEADLINE_S = 1200.0
#: A scenario has a fleet of its own and waits most of its time.
AT_ONCE = 2


def present(root: Path) -> list[str]:
    return sorted(path.parent.name for path in root.glob("molecule/*/molecule.yml"))


def one(name: str, env: dict[str, str]) -> bool:
    """Whether a scenario went well and was looked at."""
    junit = RESULTS / f"molecule-{name}.xml"
    junit.unlink(missing_ok=True)
    argv = ["molecule", "--base-config", ".config/molecule/config.yml", "test", "--scenario-name", name]
    finished = run(argv, log=LOGS / f"molecule-{name}.log", deadline_s=DEADLINE_S, env=env)
    looks = from_junit([junit], "testinfra tests") if junit.exists() else Tally("testinfra tests")
    good = finished.good and looks.good
    said = [f"{'ok    ' if good else 'FAILED'} {name:<20} {finished.seconds:5.1f} s  {looks.say()}"]
    if finished.status is None:
        destroy = [*argv[:3], "destroy", *argv[4:]]
        run(destroy, log=LOGS / f"molecule-{name}-destroy.log", deadline_s=120, env=env)
    if finished.good and not good:
        said.append("    a scenario counts only with testinfra tests that ran, none of them skipped")
    if not good:
        said.append(f"    {finished.why()}\n{finished.tail(60)}\n    (all of it: {finished.log.relative_to(ROOT)})")
    # In one piece: another scenario says its own meanwhile.
    print("\n".join(said), flush=True)
    return good


def main(names: list[str]) -> int:
    found = present(ROOT)
    unknown = sorted(set(names) - set(found))
    if unknown:
        print(f"no such scenario: {', '.join(unknown)}; molecule/ has: {', '.join(found) or 'none'}", file=sys.stderr)
        return 2
    end_all_on_signals("make fleet-down removes hosts that are left over")
    tally = Tally("scenarios")
    Tally.forget("molecule")
    env = environment(
        # Molecule looks below extensions/ or a role's directory unless told where.
        MOLECULE_GLOB="molecule/*/molecule.yml",
        ANSIBLE_CONFIG=str(ROOT / "ansible.cfg"),
        ANSIBLE_COLLECTIONS_PATH=str(ROOT / "collections"),
    )
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        for name, good in pool.map(lambda each: (each, one(each, env)), names or found):
            if good:
                tally.passed += 1
            else:
                tally.failed.append(f"molecule: {name}")
    if not found:
        print("molecule: there is not one scenario, which counts as a failure here")
    tally.write("molecule")
    print(f"molecule: {tally.say()}")
    return 0 if tally.good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
