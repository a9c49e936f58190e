"""The tables in the README and the pages, and the picture, from the runs' JSON files."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Any

from .timing import RESULTS

README = Path(__file__).parents[1] / "README.md"
GPU_PAGE, SPEED_PAGE = (README.parent / "docs" / name for name in ("gpu.md", "speed.md"))
PICTURE = README.parent / "docs" / "gap-against-time.png"
BEGIN, END = "<!-- benchmarks: generated -->", "<!-- benchmarks: end -->"


def write() -> None:
    """Replace what stands between the markers, and draw the picture."""
    _fill(README, table())
    _fill(GPU_PAGE, agreement())
    _fill(SPEED_PAGE, profile())
    results = _load("table")
    if results is not None:
        draw(results)


def _fill(page: Path, markdown: str) -> None:
    before, rest = page.read_text().split(BEGIN)
    _, after = rest.split(END)
    page.write_text(f"{before}{BEGIN}\n{markdown}\n{END}{after}")


def agreement() -> str:
    """Markdown, with a column for every backend that was compared with NumPy."""
    found = {name: _load("agreement", name) for name in ("cupy", "torch", "jax")}
    found = {name: result for name, result in found.items() if result is not None}
    heads = [f"{name} ({result['device']})" for name, result in found.items()]
    lines = [f"| model | solver | dtype | {' | '.join(heads)} |", "|---" * (3 + len(heads)) + "|"]
    for same in zip(*(result["rows"] for result in found.values()), strict=True):
        cells = [
            f"{row['parameter_difference']:.0e}, {row['loss_difference']:.0e}, "
            f"{row['predictions_that_differ']}"
            for row in same
        ]
        first = [same[0][name] for name in ("model", "solver", "dtype")]
        lines.append(f"| {' | '.join([*first, *cells])} |")
    return "\n".join(lines)


def profile() -> str:
    """Markdown, with a row for every fit whose time was divided."""
    kinds = ("seconds", "products", "decompositions", "between")
    lines = ["| fit | all | products | decompositions | between | evaluations |", "|---" * 6 + "|"]
    for row in (_load("profile") or {"rows": []})["rows"]:
        cells = [f"{1e3 * row[kind]:.1f}" for kind in kinds]
        lines.append(f"| {row['name']} | {' | '.join(cells)} | {row['evaluations']:.0f} |")
    return "\n".join(lines)


def table() -> str:
    """Markdown, with a row for every measurement that there is."""
    rows = [*_fit(), *_sweep(), *_mlp(), *_memory()]
    lines = ["| CPU | xsoftmax | best peer | ratio |", "|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _load(name: str, backend: str = "numpy") -> dict[str, Any] | None:
    path = RESULTS / f"{name}-{backend}.json"
    return json.loads(path.read_text()) if path.exists() else None


def _fit() -> list[tuple[str, ...]]:
    rows = []
    if (result := _load("fit")) is not None:
        peer = min(median(runs) for runs in result["peers"].values())
        rows.append(
            (
                "fit MNIST, 60,000 x 784, C=1, to the objective where scikit-learn's lbfgs stops",
                f"{result['seconds_to_peer_value']:.2f} s",
                f"{peer:.1f} s",
                f"{result['ratio']:.1f} x",
            )
        )
        name = "the same to a relative gap of 1e-5"
        rows.append((name, f"{result['seconds_to_1e-5']:.2f} s", "", ""))
    if (result := _load("table")) is not None:
        count = len(result["problems"])
        ratios = [ratio for entry in result["problems"] for ratio in entry["ratios"].values()]
        reached = [ratio for ratio in ratios if ratio > 0]
        rows.append(
            (
                f"fits of {count} kinds of problems to gaps of 1e-2, 1e-4 and 1e-6",
                "",
                "scikit-learn (lbfgs, newton-cholesky), torch LBFGS, SciPy with JAX",
                f"median {median(ratios):.1f} x, worst {min(reached):.2f} x; "
                f"{len(ratios) - len(reached)} of {len(ratios)} not reached by xsoftmax",
            )
        )
    return rows


def _sweep() -> list[tuple[str, ...]]:
    rows = []
    for entry in (_load("sweep") or {"sweeps": []})["sweeps"]:
        ours = "xsoftmax, tol=1e-06"
        peer = min(
            median(runs) for name, runs in entry["seconds"].items() if "scikit" in name
        )  # fmt: skip
        rows.append(
            (
                f"{entry['n_Cs']} values of C x 5 folds, {entry['problem']}",
                f"{median(entry['seconds'][ours]):.2f} s",
                f"LogisticRegressionCV {peer:.2f} s",
                f"{entry[ours]['ratio']:.1f} x",
            )
        )
    return rows


def _mlp() -> list[tuple[str, ...]]:
    result = _load("mlp")
    if result is None:
        return []
    ours = f"{median(result['seconds']['xsoftmax']):.2f} s"
    return [
        (
            f"an epoch of {result['network'].removesuffix(', one epoch')}",
            ours,
            f"{name} {median(result['seconds'][name]):.2f} s",
            f"{ratio:.1f} x",
        )
        for name, ratio in result["ratios"].items()
    ]


def _memory() -> list[tuple[str, ...]]:
    result = _load("memory")
    if result is None:
        return []
    return [
        ("memory of the MNIST fit beyond X", f"{max(result['peak_mb_beyond_X']):.0f} MB", "", "")
    ]


def draw(results: dict[str, Any]) -> Path:
    """Gap against time for every problem of the table, a panel each."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    problems = results["problems"]
    n_columns = 3
    n_rows = -(-len(problems) // n_columns)
    figure, axes = plt.subplots(
        n_rows, n_columns, figsize=(12, 2.6 * n_rows), layout="constrained", squeeze=False
    )
    for ax in axes.flat[len(problems) :]:
        ax.set_axis_off()
    names = list(dict.fromkeys(r["name"] for entry in problems for r in entry["rungs"]))
    for ax, entry in zip(axes.flat, problems, strict=False):
        for i, name in enumerate(names):
            own: dict[float, list[tuple[float, float]]] = {}
            for rung in entry["rungs"]:
                if rung["name"] == name:
                    gap = max(rung["value"] / entry["minimum"] - 1, 1e-9)
                    own.setdefault(rung["setting"], []).append((rung["seconds"], gap))
            points = sorted(tuple(map(median, zip(*runs, strict=True))) for runs in own.values())
            if points:
                ax.loglog(*zip(*points, strict=True), marker=".", color=f"C{i}", label=name)
        ax.set_title(f"{entry['name']}, C={entry['C']:g}", fontsize=9)
        ax.set(ylim=(1e-9, None))
        ax.xaxis.set_minor_formatter("")
        ax.grid(alpha=0.3)
    figure.supxlabel("seconds")
    figure.supylabel("(objective - minimum) / minimum")
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    figure.savefig(PICTURE, dpi=80)
    return PICTURE
