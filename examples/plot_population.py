"""
A population of networks
========================

Which learning rate, and how much of the difference is luck? 8 learning rates, 3 seeds and 3 folds
are 72 networks. They have one shape, so they are trained as one batch: each step is one product for
all of them.
"""

import time

import matplotlib.pyplot as plt
import numpy as np

import xsoftmax
from xsoftmax import BatchedGridSearchCV, MLPClassifier

data = xsoftmax.datasets.digits()
network = MLPClassifier((32,), max_iter=15, tol=0)
rates = np.geomspace(3e-4, 0.3, 8)

# %%
# The search has scikit-learn's contract, and ``cv_results_`` is a table of all candidates.

start = time.perf_counter()
search = BatchedGridSearchCV(
    network, {"learning_rate_init": rates, "random_state": [0, 1, 2]}, cv=3
).fit(data.X_train, data.y_train)
together = time.perf_counter() - start
print(f"72 networks and a refit in {together:.1f} s")
print(f"best: {search.best_params_}, held-out accuracy {search.best_score_:.4f}")
print(f"accuracy on the rows to test on: {search.score(data.X_test, data.y_test):.4f}")

# %%
# One by one the same takes longer.

start = time.perf_counter()
for seed in range(4):
    network.set_params(random_state=seed).fit(data.X_train, data.y_train)
alone = (time.perf_counter() - start) / 4 * 72 * 2 / 3  # two of three folds train
print(f"one by one they would take about {alone:.0f} s")

# %%
# The spread of a column is luck: seeds that start elsewhere.

accuracy = search.cv_results_["mean_test_score"].reshape(len(rates), 3)
_, ax = plt.subplots(figsize=(6, 3.8), layout="constrained")
ax.semilogx(rates, accuracy, "o", color="tab:blue", alpha=0.6)
ax.semilogx(rates, accuracy.mean(axis=1), color="tab:blue", label="mean of 3 seeds")
ax.set(xlabel="learning rate", ylabel="held-out accuracy", title="72 networks")
ax.legend()
plt.savefig("population.png")
plt.show()
