#!/usr/bin/env python3
"""Do the tests see small changes of meaning? Draws mutants of a room with a stated seed and tries each.

    cargo install cargo-mutants --locked
    git worktree add ../mutants && cd ../mutants
    python3 scripts/mutants.py ROOM SEED [--count 30] [--only NAME]... [--also TEST]

ROOM is a key of ROOMS below: its sources, the filters of its unit tests, and the one integration test that has to find
what those miss. `cargo mutants` lists what it can change in the sources, SEED draws `--count` of them, and each is
tried on the unit tests and, where these miss it, on the integration test. Prints a table, one line a mutant:

    caught by unit tests | caught by TEST | timeout | unviable (does not compile) | MISSED

and the share found of those that compile. A mutant that is missed wants a test, or a reason why it changes nothing;
`--only` tries again the drawn ones whose line holds NAME, and `--also` another integration test after the named one.

Sources are changed in place and put back, so it asks for a worktree without changes of its own: run it beside your
work, not in it. 30 mutants take a quarter of an hour on two cores, for each is built anew.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Every mutant is built anew, so tests that run for seconds are not optimised.
QUICK = {"CARGO_PROFILE_DEV_OPT_LEVEL": "0", "CARGO_PROFILE_DEV_DEBUG": "0"}
AS_IT_IS = {}

# Sources, filters of the unit tests, integration test and how that is built.
ROOMS = {
    "cost": (
        ["src/base/cost.rs", "src/base/energy/**", "src/base/pipeline/**", "src/hardware/events/**", "src/hardware/timing/**"],
        ["base::cost", "base::energy", "base::pipeline", "hardware::events", "hardware::timing"],
        ("cost", AS_IT_IS),
    ),
    "metrics": (["src/study/metrics/**"], ["study::metrics"], ("by_hand", QUICK)),
    "workload": (["src/study/workload/**"], ["study::workload"], ("bad_input", QUICK)),
    "hardware": (["src/hardware/**"], ["hardware::"], ("by_hand", QUICK)),
}

FOUND = {"CaughtMutant": "caught", "Timeout": "timeout"}


def listed(files):
    """Names of all mutants of these files, `file:line:column: what is changed`."""
    command = ["cargo", "mutants", "--list", "--json", *(f"--file={file}" for file in files)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return sorted(mutant["name"] for mutant in json.loads(done.stdout))


def tried(names, files, target, filters, profile):
    """What becomes of each of these mutants on one target of `cargo test`."""
    if not names:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        command = ["cargo", "mutants", "--in-place", "--no-times", f"--output={folder}"]
        command += ["--minimum-test-timeout=300", *(f"--file={file}" for file in files)]
        command += [f"--re=^{re.escape(name)}$" for name in names]
        command += [f"--cargo-arg={argument}" for argument in target]
        command += ["--", "--", *filters]
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **profile}, stdout=sys.stderr)
        # 0: all caught, 2: some missed, 3: some timed out.
        if done.returncode not in (0, 2, 3):
            sys.exit(f"cargo mutants ended with {done.returncode}: do the tests pass as they are?")
        outcomes = json.loads((Path(folder) / "mutants.out/outcomes.json").read_text())["outcomes"]
    became = {}
    for outcome in outcomes:
        if outcome["scenario"] != "Baseline":
            became[outcome["scenario"]["Mutant"]["name"]] = outcome["summary"]
    lost = set(names) - set(became)
    if lost:
        sys.exit(f"not tried: {sorted(lost)}")
    return became


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("room", choices=ROOMS)
    parser.add_argument("seed", type=int)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--only", action="append", metavar="NAME")
    parser.add_argument("--also", metavar="TEST")
    asked = parser.parse_args()
    changed = subprocess.run(["git", "status", "--porcelain", "src"], cwd=ROOT, capture_output=True, text=True)
    if changed.returncode or changed.stdout:
        sys.exit("src has changes of its own: run this in a clean worktree, for sources are changed in place")

    files, filters, integration = ROOMS[asked.room]
    names = listed(files)
    drawn = sorted(random.Random(asked.seed).sample(names, min(asked.count, len(names))))
    print(f"{asked.room}: {len(drawn)} of {len(names)} mutants, seed {asked.seed}", flush=True)
    if asked.only:
        drawn = [name for name in drawn if any(part in name for part in asked.only)]

    verdicts, left = {}, drawn
    tests = [("unit tests", ["--lib"], filters, QUICK)]
    for test, profile in [integration, (asked.also, AS_IT_IS)]:
        tests += [(f"--test {test}", ["--test", test], [], profile)] if test else []
    for what, *how in tests:
        for name, summary in tried(left, files, *how).items():
            if summary in FOUND:
                verdicts[name] = f"{FOUND[summary]} by {what}"
            elif summary != "MissedMutant":
                verdicts[name] = summary.lower()
        left = [name for name in left if name not in verdicts]
    for name in drawn:
        print(f"{verdicts.get(name, 'MISSED'):28} {name}")
    viable = [name for name in drawn if verdicts.get(name) != "unviable"]
    found = sum(name in verdicts for name in viable)
    print(f"{found} of {len(viable)} found, {len(drawn) - len(viable)} do not compile")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
