"""
A linear probe with a sweep over C
==================================

A linear probe asks how much of a label can be read off features that some network made. The answer
depends on C, so it is swept: 45 values, 5 folds. All folds are solved as one batch, which follows
the grid from the strongest penalty to the weakest.
"""

import time

import matplotlib.pyplot as plt
import numpy as np

import xsoftmax
from xsoftmax import SoftmaxRegressionCV

# %%
# Embeddings are made here: 20 classes in 128 dimensions, of which few matter.

rng = np.random.default_rng(0)
n_samples, n_features, n_classes = 4_000, 128, 20
y = rng.integers(n_classes, size=n_samples)
centers = rng.standard_normal((n_classes, n_features)) * np.geomspace(1, 0.01, n_features)
X = (centers[y] + 0.7 * rng.standard_normal((n_samples, n_features))).astype("float32")
train, test = slice(0, 3_000), slice(3_000, None)

# %%
# ``probe.scores_`` holds the accuracy of every fold at every C.

start = time.perf_counter()
probe = SoftmaxRegressionCV(np.geomspace(1e-6, 1e5, 45), cv=5).fit(X[train], y[train])
seconds = time.perf_counter() - start
print(f"{probe.scores_.size} fits and a refit in {seconds:.1f} s")
print(f"best C: {probe.C_:.2g}, held-out accuracy {probe.scores_.mean(axis=0).max():.4f}")
print(f"accuracy on the rows to test on: {probe.score(X[test], y[test]):.4f}")

# %%
# A C that is far from the best costs accuracy on either side.

for C in (probe.Cs_[0], 1.0, probe.Cs_[-1]):
    nearest = np.abs(np.log(probe.Cs_ / C)).argmin()
    print(f"at C = {C:.0e}: {probe.scores_[:, nearest].mean():.4f}")

xsoftmax.plots.plot_sweep(probe.Cs_, probe.scores_, best=probe.C_, name="accuracy")
plt.savefig("linear_probe.png")
plt.show()
