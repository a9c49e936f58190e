"""``python -m benchmarks WHAT [--backend cupy] [--repeats N]``.

``random --seed S --n 60`` draws problems; ``ablation`` switches the plan's choices off in turn;
``against COMMIT`` runs another commit beside this one. ``gaps --seed S --n 1000`` compares reported
gaps with true ones, and ``soak --minutes 10`` watches the memory; both exit with 1 if that is bad.
"""

from __future__ import annotations

import argparse
import sys

from . import (
    ablation,
    against,
    agreement,
    fit,
    gaps,
    memory,
    mlp,
    passes,
    probe,
    probes,
    profile,
    random_problems,
    report,
    rows,
    soak,
    sweep,
    threads,
)
from .timing import save

BENCHMARKS = {
    "fit": fit.run_mnist,
    "table": fit.run,
    "sweep": sweep.run,
    "mlp": mlp.run,
    "passes": passes.run,
    "memory": memory.run,
    "probe": probe.run,
    "probes": probes.run,
    "rows": rows.run,
    "agreement": agreement.run,
    "profile": profile.run,
    "threads": threads.run,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "what",
        choices=[*BENCHMARKS, "random", "ablation", "against", "gaps", "soak", "report", "all"],
    )
    parser.add_argument("commit", nargs="?", help="of against")
    parser.add_argument("--backend", default="numpy", choices=["numpy", "cupy", "torch", "jax"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0, help="of random problems")
    parser.add_argument("--n", type=int, help="how many random problems")
    parser.add_argument("--minutes", type=float, default=10.0, help="of soak")
    options = parser.parse_args()
    drawn = options.repeats, options.seed, options.n or 60
    if options.what == "gaps":
        found = gaps.run(options.seed, options.n or 1000)
        print(save("gaps", "numpy", found))
        sys.exit(not gaps.are_honest(found))
    if options.what == "soak":
        found = soak.run(options.minutes)
        print(save("soak", "numpy", found))
        sys.exit(not found["flat"])
    if options.what == "random":
        print(save("random", options.backend, random_problems.run(options.backend, *drawn)))
        return
    if options.what == "ablation":
        print(save("ablation", "numpy", ablation.run("numpy", *drawn)))
        return
    if options.what == "against":
        print(save("against", "numpy", against.run(options.commit, *drawn)))
        return
    names = list(BENCHMARKS) if options.what == "all" else [options.what]
    for name in names:
        if name != "report":
            print(f"== {name}", flush=True)
            print(save(name, options.backend, BENCHMARKS[name](options.backend, options.repeats)))
    report.write()


if __name__ == "__main__":
    main()
