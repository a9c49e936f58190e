"""
How sure is a score?
====================

Two networks made features of the same digits. Which are better, and is the difference more than
chance? 300 resamples of the training rows are fitted as one batch, and the scores of all of them
are an interval. Few-shot draws then tell how many labels each needs.
"""

import time

import matplotlib.pyplot as plt
import numpy as np

import xsoftmax
from xsoftmax import SoftmaxRegression, bootstrap, learning_curve

# %%
# The "networks" are random layers of 40 and 60 rectified units: the wider one keeps more.

data = xsoftmax.datasets.digits(test_size=0.5)
rng = np.random.default_rng(0)


def features(width):
    """Of the rows to train on and of those to test on."""
    W = rng.standard_normal((64, width)) / 8
    return tuple(np.maximum((X - 0.3) @ W, 0) for X in (data.X_train, data.X_test))


sets = {"40 units": features(40), "60 units": features(60)}

# %%
# One batch for all resamples: a product with the rows serves all 300 fits.

_, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
results = {}
for name, (X_train, X_test) in sets.items():
    start = time.perf_counter()
    found = bootstrap(
        SoftmaxRegression(C=10.0),
        X_train, data.y_train, X_test, data.y_test, n_resamples=300, random_state=0,
    )  # fmt: skip
    low, high = found.confidence_interval
    results[name] = found.bootstrap_distribution
    print(f"{name}: 300 fits in {time.perf_counter() - start:.1f} s,", end=" ")
    print(f"accuracy {found.bootstrap_distribution.mean():.3f}, 95 % in [{low:.3f}, {high:.3f}]")
    left.hist(found.bootstrap_distribution, bins=25, alpha=0.6, label=name)
left.set(xlabel="accuracy on the rows to test on", ylabel="resamples", title="300 resamples each")
left.legend()

# %%
# Both were fitted on the same resamples, so their differences are compared one by one.

difference = results["60 units"] - results["40 units"]
print(f"the wider one is better in {np.mean(difference > 0):.0%} of the resamples,", end=" ")
print(f"by {difference.mean():.3f} on average")

# %%
# Few-shot: 1 to 50 rows of each class, ten draws of each size.

for name, (X_train, X_test) in sets.items():
    sizes, _, scores = learning_curve(
        SoftmaxRegression(C=10.0),
        X_train, data.y_train, X_test, data.y_test,
        train_sizes=[1, 2, 5, 10, 20, 50], per_class=True, n_repeats=10, random_state=0,
    )  # fmt: skip
    mean, spread = scores.mean(axis=1), scores.std(axis=1)
    right.fill_between(sizes, mean - spread, mean + spread, alpha=0.2)
    right.semilogx(sizes, mean, marker="o", label=name)
    print(f"{name}: {mean[0]:.3f} with 1 row of each class, {mean[-1]:.3f} with 50")
right.set(xlabel="rows of each class", ylabel="accuracy", title="few-shot draws")
right.legend()
plt.savefig("bootstrap.png")
plt.show()
