"""
Softmax regression by gradient descent
======================================

A well known article trains softmax regression on MNIST from scratch: gradient descent on all rows,
rate 0.9, no penalty, no intercept, weights drawn from [0, 1). These are its settings, for the first
101 of its 1,000 iterations, beside the losses that it printed. Without MNIST in the folder that
``XSOFTMAX_DATA_DIR`` names, the digits that come with scikit-learn take its place.
"""

import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import xsoftmax
from xsoftmax import SoftmaxRegression

folder = os.environ.get("XSOFTMAX_DATA_DIR")
has_mnist = bool(folder) and any(Path(folder, "mnist").glob("train-images-idx3-ubyte*"))
data = xsoftmax.datasets.mnist(folder) if has_mnist else xsoftmax.datasets.digits()
print(f"{data.name}: {data.X_train.shape[0]} rows to train on, {data.X_test.shape[0]} to test on")

# %%
# The article does not say which weights it drew, so the first loss differs. The problem is convex:
# later ones do not depend on them much.

model = SoftmaxRegression(
    C=float("inf"),
    solver="gd",
    learning_rate_init=0.9,
    max_iter=101,
    tol=0,
    fit_intercept=False,
    warm_start=True,  # from the weights that are set here
)
model.classes_ = np.arange(10)
model.coef_ = np.random.default_rng(1).random((10, data.X_train.shape[1]))
model.intercept_ = np.zeros(10)
model.fit(data.X_train, data.y_train)

PUBLISHED = {0: 4.765269749988195, 100: 0.41732772667703605}
for iteration, published in PUBLISHED.items():
    beside = f", published {published:.4f}" if has_mnist else ""
    print(f"iteration {iteration}: loss {model.loss_curve_[iteration]:.4f}{beside}")
print(f"accuracy on the rows to test on: {model.score(data.X_test, data.y_test):.4f}")

# %%
# Newton's method in place of gradient descent, from 0 and with a penalty, needs few passes.

better = SoftmaxRegression(C=1.0).fit(data.X_train, data.y_train)
accuracy = better.score(data.X_test, data.y_test)
print(f"with solver='lbfgs': {better.n_iter_} iterations, accuracy {accuracy:.4f}")

_, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
xsoftmax.plots.plot_loss_curve(model.loss_curve_, ax=left)
left.set_yscale("log")
predictions = better.predict(data.X_test)
xsoftmax.plots.plot_confusion_matrix(data.y_test, predictions, ax=right)
plt.savefig("softmax_regression.png")
plt.show()
