"""
Rows larger than memory
=======================

Features of a large data set are written shard by shard, and may not fit in memory. ``StoredRows``
reads them at each pass. A fit needs few passes: what it knows of curvature comes from a sample in
memory, and only values and gradients read all rows.
"""

import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import xsoftmax
from xsoftmax import SoftmaxRegression, StoredRows

# %%
# Eight shards in half precision, as a network would write them.

folder = Path(tempfile.mkdtemp())
rng = np.random.default_rng(0)
n_shards, n_rows, n_features, n_classes = 8, 10_000, 128, 8
centers = 0.25 * rng.standard_normal((n_classes, n_features))
labels = []
for i in range(n_shards):
    y = rng.integers(n_classes, size=n_rows)
    X = centers[y] + rng.standard_normal((n_rows, n_features))
    np.save(folder / f"shard-{i}.npy", X.astype(np.float16))
    labels.append(y)
y = np.concatenate(labels)
X = StoredRows(sorted(folder.glob("*.npy")))
n_bytes = sum(path.stat().st_size for path in folder.glob("*.npy"))
print(f"{X.shape[0]:,} rows in {n_shards} files, {n_bytes / 1e6:.0f} MB")

# %%
# The same call as for an array. ``X.n_rows_read`` counts what was read.

seconds = {}
start = time.perf_counter()
stored = SoftmaxRegression(tol=1e-6).fit(X, y)
seconds["from files"] = time.perf_counter() - start
print(f"{stored.n_iter_} iterations, {X.n_rows_read / X.shape[0]:.1f} passes over the rows")

# %%
# In memory, for comparison: the same minimum, to the tolerance.

rows = np.concatenate([np.load(path) for path in sorted(folder.glob("*.npy"))])
start = time.perf_counter()
in_memory = SoftmaxRegression(tol=1e-6).fit(rows, y)
seconds["in memory"] = time.perf_counter() - start
difference = abs(stored.loss_curve_[-1] / in_memory.loss_curve_[-1] - 1)
print(f"relative difference of the objectives: {difference:.1e}")
for name, value in seconds.items():
    print(f"{name}: {value:.1f} s")

# %%
# Predictions read the files too, block by block.

print(f"accuracy: {stored.score(X, y):.4f}")
_, ax = plt.subplots(figsize=(6, 3.8), layout="constrained")
xsoftmax.plots.plot_loss_curve(in_memory.loss_curve_, label="in memory", ax=ax)
xsoftmax.plots.plot_loss_curve(stored.loss_curve_, label="from files", ax=ax)
ax.set_title("The same objective, in memory and from files")
plt.savefig("larger_than_memory.png")
plt.show()
