"""``python -m benchmarks WHAT [--backend cupy] [--repeats N]``.

``random --seed S --n 60`` draws problems; ``ablation`` switches the plan's choices off in turn;
``against COMMIT`` runs another commit beside this one.
"""

from __future__ import annotations

import argparse

from . import (
    ablation,
    against,
    agreement,
    fit,
    memory,
    mlp,
    passes,
    probe,
    probes,
    profile,
    random_problems,
    report,
    rows,
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
        "what", choices=[*BENCHMARKS, "random", "ablation", "against", "report", "all"]
    )
    parser.add_argument("commit", nargs="?", help="of against")
    parser.add_argument("--backend", default="numpy", choices=["numpy", "cupy", "torch", "jax"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0, help="of random problems")
    parser.add_argument("--n", type=int, default=60, help="how many random problems")
    options = parser.parse_args()
    drawn = options.repeats, options.seed, options.n
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
