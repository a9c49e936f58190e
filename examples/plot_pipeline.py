"""
In a scikit-learn pipeline
==========================

The classifiers keep scikit-learn's contract, so that they go where its own go: behind a scaler and
an encoder for columns of different kinds, into a grid search, into a file together with the scaler.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_wine
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import xsoftmax
from xsoftmax import SoftmaxRegression

# %%
# Wines with 13 measurements, one of them cut into names, as tables often have them.

X, y = load_wine(return_X_y=True)
X = X.astype(object)
X[:, 9] = np.asarray(["pale", "medium", "deep"])[np.digitize(X[:, 9].astype(float), [3.5, 6])]
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)

columns = make_column_transformer(
    (OneHotEncoder(sparse_output=False), [9]), remainder=StandardScaler()
)
pipeline = make_pipeline(columns, SoftmaxRegression())
grid = {
    "softmaxregression__C": np.logspace(-3, 3, 7),
    "softmaxregression__class_weight": [None, "balanced"],
}
search = GridSearchCV(pipeline, grid, cv=5, scoring="neg_log_loss").fit(X_train, y_train)
best = {name.split("__")[1]: value for name, value in search.best_params_.items()}
print(f"best C: {best['C']:g}, class_weight: {best['class_weight']}")
print(f"held-out log loss {-search.best_score_:.3f}")
print(f"accuracy on the rows to test on: {search.best_estimator_.score(X_test, y_test):.3f}")

# %%
# A scaler and a classifier are one file, without pickle.

numbers = np.delete(X, 9, axis=1).astype(float)
head = make_pipeline(StandardScaler(), SoftmaxRegression()).fit(numbers, y)
path = xsoftmax.save(head, "wine.safetensors")
again = xsoftmax.load(path)
print(
    f"{path}: the same predictions from the file:",
    bool(np.all(again.predict(numbers) == head.predict(numbers))),
)

results = search.cv_results_
_, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
for weight in (None, "balanced"):
    rows = np.asarray(
        [value == weight for value in results["param_softmaxregression__class_weight"]]
    )
    Cs = results["param_softmaxregression__C"][rows].astype(float)
    ax.semilogx(Cs, -results["mean_test_score"][rows], marker="o", label=f"class_weight={weight}")
ax.set(xlabel="C", ylabel="held-out log loss", title="Wines")
ax.grid(alpha=0.3)
ax.legend()
plt.savefig("pipeline.png")
plt.show()
