"""Read many hostile files of all formats in other processes, and record what came of them.

python -m tests.hostile --cases 1000000 --seed 0 --record benchmarks/results/hostile.json
"""

from __future__ import annotations

import argparse
import datetime
import json
import mmap
import os
import platform
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.timing import device_name

from .formats import FORMATS
from .mutations import case
from .rules import ROOM, judged

PACKAGES = ("numpy", "pyarrow", "safetensors")
#: A process gets so many files, and for one of them so many seconds that it computes, and so many
#: that may pass on a machine that does other things.
CHUNK, COMPUTING, PATIENCE = 10_000, 10.0, 300.0
#: Of address space; a file that claims more fails with MemoryError.
ADDRESSES = 1 << 33


def main() -> int:
    """Run all formats; 1 if there were faults."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000, help="of all formats together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=list(FORMATS), help="one format")
    parser.add_argument("--record", type=Path, help="a JSON file for the figures")
    parser.add_argument("--keep", type=Path, default=Path("hostile-files"), help="of faults")
    options = parser.parse_args()
    names = [options.only] if options.only else list(FORMATS)
    print(f"{'format':20} {'files':>8} {'read':>8} {'refused':>8} {'s, most':>8} {'MB':>6} faults")
    formats = []
    for i, name in enumerate(names):
        n_cases = options.cases // len(names) + (i < options.cases % len(names))
        figures, faults = run(name, options.seed, n_cases)
        formats.append(figures)
        print(line(figures), flush=True)
        keep(options.keep, name, options.seed, faults)
    total = sum(figures["files"] for figures in formats)
    n_faults = sum(figures["faults"] for figures in formats)
    print(f"{total} files, {n_faults} faults")
    if options.record:
        record = {
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes"),
            "device": device_name("numpy"),
            "python": platform.python_version(),
            "versions": {name: version(name) for name in PACKAGES if find_spec(name)},
            "seed": options.seed,
            "files": total,
            "faults": n_faults,
            "formats": formats,
        }
        options.record.write_text(json.dumps(record, indent=1) + "\n")
    return int(n_faults > 0)


def line(figures: dict[str, Any]) -> str:
    """A row of the table."""
    return (
        f"{figures['format']:20} {figures['files']:8} {figures['read']:8} {figures['refused']:8} "
        f"{figures['slowest_seconds']:8.3f} {figures['largest_bytes_more'] / 1e6:6.1f} "
        f"{figures['faults']}"
    )


def run(name: str, seed: int, n_cases: int) -> tuple[dict[str, Any], list[tuple[int, str]]]:
    """The figures of a format, and its faults by the numbers of the files."""
    start, first = time.monotonic(), 0
    n_read, slowest, most, faults = 0, 0.0, 0, []
    while first < n_cases:
        found = in_process(name, seed, first, min(n_cases, first + CHUNK))
        first += found["done"]
        n_read += found["read"]
        slowest, most = max(slowest, found["slowest"]), max(most, found["most"])
        faults += found["faults"]
    figures = {
        "format": name,
        "files": n_cases,
        "read": n_read,
        "refused": n_cases - n_read - len(faults),
        "slowest_seconds": round(slowest, 4),
        "largest_bytes_more": most,
        "faults": len(faults),
        "files_per_second": round(n_cases / (time.monotonic() - start)),
    }
    return figures, faults


def in_process(name: str, seed: int, first: int, stop: int) -> dict[str, Any]:
    """What a process of its own finds of some files, up to one that it cannot survive."""
    with tempfile.TemporaryFile("w+") as answer:
        return _in_process(name, seed, first, stop, answer)


def _in_process(name: str, seed: int, first: int, stop: int, answer: Any) -> dict[str, Any]:
    at = mmap.mmap(-1, 8)
    FORMATS[name].seeds()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            json.dump(work(name, seed, first, stop, at), answer)
            answer.flush()
            code = 0
        finally:
            os._exit(code)
    known, since = -1, time.monotonic()
    end = ""
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            break
        now = int.from_bytes(at[:8], "little")
        if now != known:
            known, since = now, time.monotonic()
        elif time.monotonic() - since > PATIENCE:
            os.kill(child, signal.SIGKILL)
            end = f"took more than {PATIENCE} s"
            _, status = os.waitpid(child, 0)
            break
        time.sleep(0.01)
    if status == 0 and not end:
        answer.seek(0)
        found: dict[str, Any] = json.load(answer)
        return found
    failed = int.from_bytes(at[:8], "little")
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF:
        end = f"computed for more than {COMPUTING} s"
    end = end or f"ended the process with status {status}"
    if failed == first:
        return {"done": 1, "read": 0, "slowest": 0.0, "most": 0, "faults": [(first, end)]}
    before = in_process(name, seed, first, failed)
    before["faults"].append((failed, end))
    return {**before, "done": failed - first + 1}


def work(name: str, seed: int, first: int, stop: int, at: mmap.mmap) -> dict[str, Any]:
    """Read the files `first` to `stop`, and say in `at` which it is."""
    kind, faults = FORMATS[name], []
    n_read, slowest, most = 0, 0.0, 0
    disk = "/dev/shm" if os.path.isdir("/dev/shm") else None
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    with tempfile.TemporaryDirectory(dir=disk) as where:
        folder = Path(where)
        for content in kind.seeds():
            judged(kind, folder, content)  # imports what reading needs
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
        for number in range(first, stop):
            at[:8] = number.to_bytes(8, "little")
            signal.setitimer(signal.ITIMER_PROF, COMPUTING)  # which ends the process
            content = case(kind, name, seed, number)
            before = resident()
            verdict = judged(kind, folder, content)
            fault, more = verdict.fault, peak() - before
            if not fault and more > 2 * len(content) + ROOM:
                fault = f"took {more} bytes of memory for a file of {len(content)}"
            most, slowest = max(most, more - len(content)), max(slowest, verdict.seconds)
            n_read += verdict.is_read and not fault
            if fault:
                faults.append((number, fault))
    return {
        "done": stop - first,
        "read": n_read,
        "slowest": slowest,
        "most": most,
        "faults": faults,
    }


def resident() -> int:
    """The bytes that this process holds; from here on `peak` counts anew, on Linux."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak() -> int:
    """The most bytes that this process held."""
    with suppress(OSError), open("/proc/self/status") as file:
        return next(1024 * int(line.split()[1]) for line in file if line.startswith("VmHWM"))
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def keep(folder: Path, name: str, seed: int, faults: list[tuple[int, str]]) -> None:
    """Say which faults there are, and keep a file of each."""
    kinds = Counter(fault[:60] for _, fault in faults)
    seen: set[str] = set()
    for number, fault in faults:
        if fault[:60] not in seen:
            seen.add(fault[:60])
            folder.mkdir(exist_ok=True)
            path = folder / f"{name.replace(', ', '-').replace(' ', '-')}-{seed}-{number}"
            path.write_bytes(case(FORMATS[name], name, seed, number))
            print(f"    {kinds[fault[:60]]} x {fault} ({path})", flush=True)


if __name__ == "__main__":
    sys.exit(main())
