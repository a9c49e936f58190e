"""
Probabilities that mean what they say
=====================================

A classifier with a weak penalty is often right and still too sure. Dividing its logits by one
number, a temperature, does not change a prediction and makes the probabilities honest. The search
finds it on held-out rows, at every C, and can choose C by calibrated scores.
"""

import matplotlib.pyplot as plt
import numpy as np

import xsoftmax
from xsoftmax import SoftmaxRegressionCV, metrics

rng = np.random.default_rng(0)
n_samples, n_features, n_classes = 3_000, 60, 6
y = rng.integers(n_classes, size=n_samples)
centers = 0.32 * rng.standard_normal((n_classes, n_features))
X = centers[y] + rng.standard_normal((n_samples, n_features))
train, test = slice(0, 600), slice(600, None)

# %%
# At C = 100, where rows are few, the plain probabilities are far too sure.

models = {
    "as they are": SoftmaxRegressionCV([100.0], cv=5),
    "calibrated": SoftmaxRegressionCV([100.0], cv=5, calibration="temperature"),
}
_, axes = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
for ax, (name, model) in zip(axes, models.items(), strict=True):
    model.fit(X[train], y[train])
    p = model.predict_proba(X[test])
    log_loss = -metrics.score(np.log(p), y[test], "neg_log_loss")
    error = metrics.expected_calibration_error(p, y[test])
    accuracy = model.score(X[test], y[test])
    print(
        f"{name}: accuracy {accuracy:.3f}, log loss {log_loss:.3f}, calibration error {error:.3f}"
    )
    xsoftmax.plots.plot_reliability(p, y[test], ax=ax)
    ax.set_title(f"C = 100, {name}")
print(f"temperature: {models['calibrated'].temperature_:.2f}")

# %%
# Chosen by log loss, C differs with calibration: a weak penalty need not be paid for.

for calibration in (None, "temperature"):
    model = SoftmaxRegressionCV(
        np.logspace(-3, 2, 11), scoring="neg_log_loss", calibration=calibration
    ).fit(X[train], y[train])
    log_loss = -metrics.score(np.log(model.predict_proba(X[test])), y[test], "neg_log_loss")
    print(f"calibration={calibration!r}: C = {model.C_:.2g}, log loss {log_loss:.3f}")
plt.savefig("calibration.png")
plt.show()
