"""Mutation testing of the core by cosmic-ray: see ``mutation.sh``.

Each module is changed in a copy of the repository. The module's own tests run first, then those of
its room; a change that none of them notices has survived.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
ROOMS = ("model", "objective", "curvature", "solvers")
RESULTS = ROOT / "ci" / "mutation.json"
#: Seconds for the tests of one change, of which some make a loop that never ends.
TIMEOUT = 400
CONFIG = """[cosmic-ray]
module-path = "{module}"
timeout = {timeout}
excluded-modules = []
test-command = "{python} -m pytest -x -q -p no:cacheprovider {tests}"
[cosmic-ray.distributor]
name = "local"
"""


def main() -> None:
    """Change, test and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", help="files of the package; all of the core if none")
    parser.add_argument("--per-module", type=int, help="how many changes; all if not given")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of changes")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    modules = options.modules or core()

    def tried(module: str) -> list[dict[str, Any]]:
        changes = try_changes(module, options.per_module, options.seed)
        killed = sum(change["killed"] for change in changes)
        print(f"{module}: {killed} of {len(changes)} noticed", flush=True)
        return changes

    with ThreadPoolExecutor(options.jobs) as pool:
        found = [change for changes in pool.map(tried, modules) for change in changes]
    report(found, options)


def core() -> list[str]:
    """Modules with functions of the rooms below the classifiers, and `functional`."""
    files = [path for room in ROOMS for path in (ROOT / "xsoftmax" / room).glob("*.py")]
    files.append(ROOT / "xsoftmax" / "functional.py")
    return sorted(str(path.relative_to(ROOT)) for path in files if "def " in path.read_text())


def tests_of(module: str) -> str:
    """The module's own tests, then those of its room."""
    path = Path(module)
    room = Path("tests", *path.parts[1:-1])
    own = room / f"test_{path.stem}.py"
    if room == Path("tests"):
        return str(own)
    return f"{own} {room}" if (ROOT / own).exists() else str(room)


def try_changes(module: str, n: int | None, seed: int) -> list[dict[str, Any]]:
    """Make `n` changes to a module, chosen by `seed`, and run its tests after each."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        skipped = shutil.ignore_patterns(".git", "*.egg-info", "__pycache__", ".*_cache")
        shutil.copytree(ROOT, copy, ignore=skipped)
        known = {"module": module, "timeout": TIMEOUT, "tests": tests_of(module)}
        (copy / "session.toml").write_text(CONFIG.format(python=sys.executable, **known))
        # The copy goes before an installed package, and no product waits for the other job.
        environment = {**os.environ, "PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1"}

        def cosmic_ray(*arguments: str) -> str:
            command = [sys.executable, "-m", "cosmic_ray.cli", *arguments]
            return subprocess.run(
                command, cwd=copy, env=environment, check=True, text=True, stdout=subprocess.PIPE
            ).stdout

        cosmic_ray("baseline", "session.toml")  # the tests pass where nothing was changed
        cosmic_ray("init", "session.toml", "session.sqlite")
        choose(copy / "session.sqlite", (copy / module).read_text(), n, seed)
        cosmic_ray("exec", "session.toml", "session.sqlite")
        lines = cosmic_ray("dump", "session.sqlite").splitlines()
    return [change(*json.loads(line)) for line in lines]


def choose(session: Path, source: str, n: int | None, seed: int) -> None:
    """Keep `n` of the changes of a session, of those that can make a difference.

    Annotations are never evaluated, and `compiled` changes nothing but for JAX.
    """
    lines, spans = source.splitlines(), annotations(source)
    columns = "job_id, start_pos_row, start_pos_col, operator_name, occurrence"
    with sqlite3.connect(session) as database:
        found = database.execute(f"select {columns} from mutation_specs").fetchall()
        jobs = [
            job
            for job, row, column, *_ in sorted(found, key=lambda spec: spec[1:])
            if not any(start <= (row, column) < end for start, end in spans)
            and lines[row - 1].strip() != "@compiled"
        ]
        kept = jobs if n is None else random.Random(seed).sample(jobs, min(n, len(jobs)))
        for table in ("mutation_specs", "work_items"):
            marks = ",".join("?" * len(kept))
            database.execute(f"delete from {table} where job_id not in ({marks})", kept)


def annotations(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where the annotations of a module begin and end: (row, column)."""
    found = []
    for node in ast.walk(ast.parse(source)):
        for name in ("annotation", "returns"):
            part = getattr(node, name, None)
            if part is not None:
                start = part.lineno, part.col_offset
                found.append((start, (part.end_lineno, part.end_col_offset)))
    return found


def change(work: dict[str, Any], result: dict[str, Any] | None) -> dict[str, Any]:
    """What was changed, and whether a test noticed."""
    (mutation,) = work["mutations"]
    killed = result is not None and result["test_outcome"] != "survived"
    diff = (result or {}).get("diff") or ""
    lines = [
        line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")
    ]
    return {
        "module": mutation["module_path"],
        "line": mutation["start_pos"][0],
        "operator": mutation["operator_name"],
        "diff": lines,
        "killed": killed,
    }


def report(found: list[dict[str, Any]], options: argparse.Namespace) -> None:
    """Print and write the score, and the changes that no test noticed."""
    killed = sum(change["killed"] for change in found)
    survivors = [change for change in found if not change["killed"]]
    score = killed / len(found)
    for change in survivors:
        print(
            f"{change['module']}:{change['line']} {change['operator']}", *change["diff"], sep="\n  "
        )
    print(f"{killed} of {len(found)} changes were noticed: {100 * score:.0f} %")
    record = {"per_module": options.per_module, "seed": options.seed, "changes": len(found)}
    record |= {"killed": killed, "score": round(score, 3), "survivors": survivors}
    RESULTS.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
