"""``python -m benchmarks WHAT [--backend cupy] [--repeats N]``."""

from __future__ import annotations

import argparse

from . import agreement, fit, memory, mlp, passes, probe, profile, report, sweep, threads
from .timing import save

BENCHMARKS = {
    "fit": fit.run_mnist,
    "table": fit.run,
    "sweep": sweep.run,
    "mlp": mlp.run,
    "passes": passes.run,
    "memory": memory.run,
    "probe": probe.run,
    "agreement": agreement.run,
    "profile": profile.run,
    "threads": threads.run,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("what", choices=[*BENCHMARKS, "report", "all"])
    parser.add_argument("--backend", default="numpy", choices=["numpy", "cupy", "torch", "jax"])
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    names = list(BENCHMARKS) if options.what == "all" else [options.what]
    for name in names:
        if name != "report":
            print(f"== {name}", flush=True)
            print(save(name, options.backend, BENCHMARKS[name](options.backend, options.repeats)))
    report.write()


if __name__ == "__main__":
    main()
