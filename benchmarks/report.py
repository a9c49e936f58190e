"""The tables in the pages, and the pictures, from the runs' JSON files."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Any

from .timing import RESULTS

DOCS = Path(__file__).parents[1] / "docs"
GPU_PAGE, SPEED_PAGE, DESIGN_PAGE = (DOCS / name for name in ("gpu.md", "speed.md", "design.md"))
PROFILE_PAGE = DOCS / "where-the-time-goes.md"
TABLE_PICTURE, RANDOM_PICTURE = DOCS / "gap-against-time.png", DOCS / "random-problems.png"
BEGIN, END = "<!-- benchmarks: generated -->", "<!-- benchmarks: end -->"


def write() -> None:
    """Replace what stands between the markers, and draw the pictures."""
    _fill(SPEED_PAGE, table())
    _fill(GPU_PAGE, agreement())
    _fill(PROFILE_PAGE, profile())
    _fill(DESIGN_PAGE, ablation())
    for name, draw in (("table", draw_table), ("random", draw_random)):
        if (results := _load(name)) is not None:
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


def ablation() -> str:
    """Markdown, with a row for every choice of the plan."""
    lines = ["| without | time, geometric mean | at most | on |", "|---" * 4 + "|"]
    worth = (_load("ablation") or {"worth": {}})["worth"]
    for name, found in sorted(worth.items(), key=lambda each: -each[1]["geometric mean"]):
        mean, best = f"{found['geometric mean']:.2f} x", f"{found['best']:.1f} x"
        lines.append(f"| {name} | {mean} | {best} | {found['on']} |")
    return "\n".join(lines)


def table() -> str:
    """Markdown, with a row for every measurement that there is."""
    rows = [*_fit(), *_random(), *_sweep(), *_probes(), *_mlp(), *_memory()]
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
    return rows


def _random() -> list[tuple[str, ...]]:
    result = _load("random")
    if result is None:
        return []
    name = (
        f"fits of {len(result['problems'])} problems drawn at random, to gaps of 1e-2, 1e-4, 1e-6"
    )
    peers = {
        "peer": "scikit-learn (lbfgs, newton-cholesky), torch LBFGS",
        "plain": "xsoftmax's own L-BFGS without curvature",
    }
    return [
        (
            name,
            "",
            words,
            f"median {found['median']:.1f} x, 5 % of them under {found['5 %']:.2f} x, "
            f"5 % over {found['95 %']:.1f} x",
        )
        for key, words in peers.items()
        for found in [result[key]]
    ]


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


def _probes() -> list[tuple[str, ...]]:
    found = (_load("probes") or {"probes": {}})["probes"]
    rows = []
    for name, what in (
        ("label_sets", "100 label sets of two classes, 10,000 x 512, float32, C=1"),
        ("searches", "20 label sets of 10 classes, 10 values of C x 5 folds each, 4,000 x 256"),
        ("resamples", "200 bootstrap fits, 5,000 x 256, 10 classes"),
    ):
        if name not in found:
            continue
        seconds = found[name]["seconds"]
        ours, peers = seconds["one batch"], [s for k, s in seconds.items() if "scikit" in k]
        peer, ratio = f"scikit-learn, one by one, {min(peers):.1f} s", f"{min(peers) / ours:.1f} x"
        rows.append((what, f"{ours:.2f} s", peer, ratio))
        if "our loop" in seconds:
            loop = seconds["our loop"]
            rows.append(
                (
                    "the same",
                    f"{ours:.2f} s",
                    f"xsoftmax, one by one, {loop:.1f} s",
                    f"{loop / ours:.1f} x",
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


def draw_random(results: dict[str, Any]) -> Path:
    """How many problems drawn at random are solved how many times as fast as by the best peer."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
    kinds = (("ratios", "-", "best peer"), ("plain_ratios", ":", "plain L-BFGS"))
    for kind, style, words in kinds:
        for i, gap in enumerate(results["gaps"]):
            found = (entry[kind].get(f"{gap:g}") for entry in results["problems"])
            ratios = sorted(ratio for ratio in found if ratio)
            shares = [100 * (k + 0.5) / len(ratios) for k in range(len(ratios))]
            label = f"{words}, gap {gap:g}"
            ax.plot(ratios, shares, linestyle=style, color=f"C{i}", label=label)
    ax.axvline(1.0, color="black", linewidth=0.8)
    ax.set_xscale("log")
    ax.set_xticks([0.5, 1, 2, 5, 10, 20], labels=["0.5", "1", "2", "5", "10", "20"])
    ax.xaxis.set_minor_formatter("")
    ax.set(xlabel="times as fast as", ylabel="% of the problems, at most", ylim=(0, 100))
    ax.grid(alpha=0.3)
    ax.legend(fontsize=8, loc="lower right")
    figure.savefig(RANDOM_PICTURE, dpi=100)
    return RANDOM_PICTURE


def draw_table(results: dict[str, Any]) -> Path:
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
    figure.savefig(TABLE_PICTURE, dpi=80)
    return TABLE_PICTURE
