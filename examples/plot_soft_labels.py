"""
Soft labels
===========

Where annotators disagree, their votes say more than the majority's label. ``y`` may be the share of
votes for each class: one row of probabilities a sample. Here digits are blurred, five annotators
see each, and one classifier learns from the majority, the other from the votes.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import accuracy_score, log_loss

import xsoftmax
from xsoftmax import SoftmaxRegression

rng = np.random.default_rng(0)
data = xsoftmax.datasets.digits(test_size=0.5)

# %%
# An annotator sees a digit with noise and names the nearest mean of a class: some are hard to tell.

means = np.stack([data.X_train[data.y_train == k].mean(axis=0) for k in range(10)])


def votes(X, n_annotators=5, noise=0.8):
    """(n_samples, 10): the share of the annotators that name each class."""
    shares = np.zeros((len(X), 10))
    for _ in range(n_annotators):
        seen = X + noise * rng.standard_normal(X.shape)
        nearest = ((seen[:, None, :] - means) ** 2).sum(axis=2).argmin(axis=1)
        shares[np.arange(len(X)), nearest] += 1 / n_annotators
    return shares


shares = votes(data.X_train)
majority = shares.argmax(axis=1)
agree = (shares.max(axis=1) == 1).mean()
print(f"{agree:.0%} of the rows are named alike by all; the majority is right for", end=" ")
print(f"{accuracy_score(data.y_train, majority):.0%}")

# %%
# Both see the same rows. Who learns from votes knows how sure they are: its probabilities are the
# shares of the annotators, where the other's are too sure. It is also right more often.

models = {
    "majority": SoftmaxRegression(C=1.0).fit(data.X_train, majority),
    "votes": SoftmaxRegression(C=1.0).fit(data.X_train, shares),
}
truth = votes(data.X_test, n_annotators=50)
_, axes = plt.subplots(1, 2, figsize=(8, 3.5), sharey=True, layout="constrained")
for ax, (name, model) in zip(axes, models.items(), strict=True):
    p = model.predict_proba(data.X_test)
    cross_entropy = -(truth * model.predict_log_proba(data.X_test)).sum(axis=1).mean()
    print(
        f"learnt from {name}: accuracy {accuracy_score(data.y_test, p.argmax(axis=1)):.3f}, ",
        end="",
    )
    print(f"log loss {log_loss(data.y_test, p):.3f}, against 50 annotators {cross_entropy:.3f}")
    ax.plot(p.ravel(), truth.ravel(), ".", alpha=0.15)
    ax.plot([0, 1], [0, 1], color="black", lw=1)
    ax.set(xlabel="predicted probability", title=f"learnt from {name}")
axes[0].set_ylabel("share of 50 annotators")
plt.savefig("soft_labels.png")
plt.show()
