"""
Many probes of the same features
================================

Which of twelve attributes can be read off an embedding, and how many labels does that take? All
attributes are fitted as one batch, and so are all draws of a learning curve.
"""

import time

import matplotlib.pyplot as plt
import numpy as np

import xsoftmax
from xsoftmax import MultiOutputSoftmaxRegressionCV, SoftmaxRegression, learning_curve

# %%
# Embeddings are made here. An attribute is harder the later the directions are that tell of it.

rng = np.random.default_rng(0)
n_samples, n_features, n_attributes = 3_000, 64, 12
scales = np.geomspace(1, 0.03, n_features)
X = (rng.standard_normal((n_samples, n_features)) * scales).astype("float32")
directions = np.zeros((n_features, n_attributes))
for j in range(n_attributes):
    directions[4 * j : 4 * j + 4, j] = rng.standard_normal(4)
y = (X @ directions + 0.2 * rng.logistic(size=(n_samples, n_attributes)) > 0).astype(int)
train, test = slice(0, 2_000), slice(2_000, None)

# %%
# Each attribute has folds and a C of its own.

start = time.perf_counter()
probes = MultiOutputSoftmaxRegressionCV(np.logspace(-3, 3, 13), cv=5, scoring="neg_log_loss")
probes.fit(X[train], y[train])
seconds = time.perf_counter() - start
print(f"{probes.scores_.size} fits and {n_attributes} refits in {seconds:.1f} s")
right = (probes.predict(X[test]) == y[test]).mean(axis=0)
for j in range(n_attributes):
    print(f"attribute {j:2}: accuracy {right[j]:.3f}, C = {probes.C_[j]:.2g}")

# %%
# Few-shot draws of the first attribute: k rows of each class, ten times.

sizes, train_scores, test_scores = learning_curve(
    SoftmaxRegression(),
    X[train], y[train, 0], X[test], y[test, 0],
    train_sizes=[1, 3, 10, 30, 100, 300], per_class=True, n_repeats=10, random_state=0,
)  # fmt: skip
xsoftmax.plots.plot_learning_curve(sizes, train_scores, test_scores, name="accuracy")
plt.savefig("many_probes.png")
plt.show()
