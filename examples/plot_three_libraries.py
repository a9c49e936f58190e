"""
One script, three array libraries
=================================

The array that is passed in decides where a fit runs: NumPy on a CPU, PyTorch where the tensor lies,
CuPy on a GPU. The code is the same, and so are the coefficients, up to rounding.
"""

import importlib

import matplotlib.pyplot as plt
import numpy as np

import xsoftmax
from xsoftmax import SoftmaxRegression

data = xsoftmax.datasets.digits()


def on_numpy(x):
    return np.asarray(x)


def on_torch(x):
    return importlib.import_module("torch").asarray(x)


def on_cupy(x):
    return importlib.import_module("cupy").asarray(x)


# %%
# What is not installed, or has no device, is skipped.

coefs = {}
for move in (on_numpy, on_torch, on_cupy):
    name = move.__name__.removeprefix("on_")
    try:
        X_train, X_test = move(data.X_train), move(data.X_test)
    except Exception as error:
        print(f"{name:6s} skipped: {error}")
        continue
    model = SoftmaxRegression(C=1.0, tol=1e-10).fit(X_train, data.y_train.tolist())
    score = model.score(X_test, data.y_test.tolist())
    print(f"{name:6s} {type(model.coef_).__module__}.{type(model.coef_).__name__}: {score:.4f}")
    coefs[name] = np.asarray(model.coef_.get() if name == "cupy" else model.coef_)

# %%
# The largest difference of a coefficient from NumPy's:

reference = coefs["numpy"]
for name, coef in coefs.items():
    print(f"{name:6s} {np.abs(coef - reference).max():.1e}")
    np.testing.assert_allclose(coef, reference, atol=1e-5)

_, ax = plt.subplots(figsize=(5, 4), layout="constrained")
for marker, (name, coef) in zip("o+x", coefs.items(), strict=False):
    ax.plot(reference.ravel(), coef.ravel(), marker, label=name, alpha=0.5)
ax.set(xlabel="coefficient on NumPy", ylabel="the same elsewhere", title="One minimum")
ax.legend()
plt.savefig("three_libraries.png")
plt.show()
