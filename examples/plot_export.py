"""
A model, used elsewhere
=======================

A head that was trained here goes where it is needed: a file without pickle, an ONNX graph for
programs without Python, a module of torch to train on with, an estimator of scikit-learn. Each
predicts the same, strings as labels included.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import xsoftmax
from xsoftmax import MLPClassifier

data = xsoftmax.datasets.digits()
names = np.asarray(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
model = make_pipeline(StandardScaler(), MLPClassifier((32,), max_iter=20, tol=0, random_state=0))
model.fit(data.X_train, names[data.y_train])
expected = model.predict_proba(data.X_test)
found = {}

# %%
# Its own file, and scikit-learn.

path = xsoftmax.save(model, "digits.safetensors")
found["safetensors"] = xsoftmax.load(path).predict_proba(data.X_test)
found["scikit-learn"] = xsoftmax.to_sklearn(model).predict_proba(data.X_test)

# %%
# ONNX: labels and probabilities. What is not installed is skipped.

try:
    import onnxruntime

    session = onnxruntime.InferenceSession(xsoftmax.to_onnx(model).SerializeToString())
    labels, found["ONNX"] = session.run(["label", "probabilities"], {"X": data.X_test})
    print(f"labels by ONNX: {', '.join(labels[:5])}")
except ImportError as error:
    print(f"ONNX skipped: {error}")

# %%
# torch: a module of logits, whose softmax gives the probabilities.

try:
    import torch

    module = xsoftmax.to_torch(model)
    print(module)
    with torch.no_grad():
        found["torch"] = torch.softmax(module(torch.asarray(data.X_test)), 1).numpy()
except ImportError as error:
    print(f"torch skipped: {error}")

# %%
# All are the same to rounding.

for name, probabilities in found.items():
    print(f"{name}: largest difference {np.abs(probabilities - expected).max():.1e}")

_, axes = plt.subplots(1, len(found), figsize=(3 * len(found), 3), layout="constrained")
for ax, (name, probabilities) in zip(np.atleast_1d(axes), found.items(), strict=True):
    ax.plot(expected.ravel(), probabilities.ravel(), ".", markersize=3)
    ax.set(title=name, xlabel="probability here", aspect="equal")
plt.savefig("export.png")
plt.show()
