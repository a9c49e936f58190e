"""
A neural network, digit for digit
=================================

A second article trains a network with one hidden layer of 50 sigmoids on MNIST: gradient descent
on all rows, rate 0.1, weights N(0, 1) / sqrt(n_in) from seed 1. Its run has no chance in it, so its
costs can be reproduced to the last digit. Here are its first iterations. Without MNIST in the
folder that ``XSOFTMAX_DATA_DIR`` names, the digits that come with scikit-learn take its place.
"""

import os
from pathlib import Path

import matplotlib.pyplot as plt

import xsoftmax
from xsoftmax import MLPClassifier

folder = os.environ.get("XSOFTMAX_DATA_DIR")
has_mnist = bool(folder) and any(Path(folder, "mnist").glob("train-images-idx3-ubyte*"))
double = {"dtype": "float64"}
data = xsoftmax.datasets.mnist(folder, **double) if has_mnist else xsoftmax.datasets.digits()
print(f"{data.name}: {data.X_train.shape[0]} rows to train on, {data.X_test.shape[0]} to test on")

# %%
# The article's cost is the mean over samples and classes, a tenth of the mean loss of a sample.

model = MLPClassifier(
    (50,),
    "sigmoid",
    solver="gd",
    learning_rate_init=0.1,
    alpha=0,
    tol=0,
    max_iter=10 if has_mnist else 200,
    random_state=1,
)
model.fit(data.X_train, data.y_train, X_val=data.X_test, y_val=data.y_test)
beside = "   (published: 0.24014291022543646)" if has_mnist else ""
print(f"cost at the start: {model.loss_curve_[0] / 10!r}{beside}")
print(f"cost after {model.n_iter_ - 1} iterations: {model.loss_curve_[-1] / 10:.6f}")

# %%
# The same network by Adam on minibatches is far ahead after as many epochs.

adam = MLPClassifier((50,), "sigmoid", max_iter=model.n_iter_ // 5, tol=0, random_state=1)
adam.fit(data.X_train, data.y_train, X_val=data.X_test, y_val=data.y_test)
print(f"accuracy: gradient descent {model.validation_scores_[-1]:.4f}", end=", ")
print(f"Adam in a fifth of the epochs {adam.validation_scores_[-1]:.4f}")

_, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
for name, network in (("gradient descent", model), ("Adam", adam)):
    ax.plot(range(1, network.n_iter_ + 1), network.validation_scores_, label=name)
ax.set(
    xlabel="epoch",
    ylabel="accuracy on the rows to test on",
    title=f"{data.X_train.shape[1]}-50-10, sigmoid",
)
ax.grid(alpha=0.3)
ax.legend()
plt.savefig("neural_network.png")
plt.show()
