"""
From zero shots to a free probe
===============================

A zero-shot classifier needs no labels: its weights are embeddings of the names of the classes. A
few labelled rows can make it better, if the probe stays near it while they are few.
``coef_prior=(W0, b0)`` puts the penalty on the distance from it, and C says how far the probe may
go: from the zero-shot classifier itself to one that forgot it.
"""

import matplotlib.pyplot as plt
import numpy as np

from xsoftmax import SoftmaxRegression

# %%
# Embeddings of images lie around those of their names, but not quite: names know the classes only
# roughly.

rng = np.random.default_rng(0)
n_classes, n_features = 10, 64


def of_length(length, x):
    """Rows of this length."""
    return length * x / np.linalg.norm(x, axis=1, keepdims=True)


names = of_length(6.0, rng.standard_normal((n_classes, n_features)))
centers = names + of_length(6.0, rng.standard_normal((n_classes, n_features)))


def images(n_per_class):
    """Rows and labels."""
    y = np.repeat(np.arange(n_classes), n_per_class)
    return centers[y] + 3.0 * rng.standard_normal((len(y), n_features)), y


X_test, y_test = images(300)
zero_shot = names / 9.0

# %%
# With a small C the probe is the zero-shot classifier, with a large one a probe from nothing.

Cs = np.logspace(-4, 1, 13)


def accuracies(X, y, prior):
    """On the rows to test on, at each C."""
    probes = (SoftmaxRegression(C, coef_prior=prior, fit_intercept=False) for C in Cs)
    return [probe.fit(X, y).score(X_test, y_test) for probe in probes]


_, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for n_shots in (2, 8, 32):
    X, y = images(n_shots)
    near, free = accuracies(X, y, (zero_shot, None)), accuracies(X, y, None)
    best = int(np.argmax(near))
    print(f"{n_shots:2d} rows of each class: near the prior {near[best]:.3f}", end=" ")
    print(f"at C = {Cs[best]:.0e}, without it {max(free):.3f}")
    (line,) = ax.semilogx(Cs, near, marker="o", label=f"{n_shots} rows of each class")
    ax.semilogx(Cs, free, linestyle=":", color=line.get_color())
accuracy = np.mean((X_test @ zero_shot.T).argmax(axis=1) == y_test)
print(f"the zero-shot classifier alone: {accuracy:.3f}")
ax.axhline(accuracy, color="gray", linestyle="--", label="zero-shot")
ax.set(
    xlabel="C: how far the probe may go",
    ylabel="accuracy",
    title="Near a zero-shot classifier (dotted: without it)",
)
ax.legend()
plt.savefig("zero_shot.png")
plt.show()
