"""
Watching a fit
==============

scikit-learn's callbacks see every iteration: a progress bar, a monitor that logs scores, or a
callback of your own that stops a fit. Early stopping is built in, and can watch the accuracy or the
log loss of rows that are held out.
"""

import matplotlib.pyplot as plt
import numpy as np

import xsoftmax
from xsoftmax import MLPClassifier

data = xsoftmax.datasets.digits()
settings = {"learning_rate_init": 0.02, "random_state": 0}

# %%
# A monitor of scikit-learn (1.9 and later) asks the model as it is after every epoch.

try:
    from sklearn.callback import ScoringMonitor

    monitor = ScoringMonitor(scoring=["accuracy", "neg_log_loss"])
    network = MLPClassifier((32,), max_iter=5, tol=0, **settings).set_callbacks(monitor)
    network.fit(data.X_train, data.y_train)
    for row in monitor.get_logs().data:
        if row["task_name"] == "step":
            print(f"epoch {row['task_id'] + 1}: accuracy {row['accuracy']:.3f},", end=" ")
            print(f"log loss {-row['neg_log_loss']:.3f}")
except ImportError as error:
    print(f"skipped: {error}")

# %%
# Two things to watch on held-out rows. The loss turns up long before the accuracy falls.

_, axes = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
rng = np.random.default_rng(0)
labels = np.where(rng.random(len(data.y_train)) < 0.15, 3, data.y_train)  # some are wrong
for ax, watch in zip(axes, (True, "loss"), strict=True):
    network = MLPClassifier((100,), max_iter=150, early_stopping=watch, **settings)
    network.fit(data.X_train, labels)
    accuracy = network.score(data.X_test, data.y_test)
    log_p = network.predict_log_proba(data.X_test)
    loss = -log_p[np.arange(len(log_p)), data.y_test].mean()
    print(f"early_stopping={watch!r}: {network.n_iter_} epochs, accuracy {accuracy:.3f},", end=" ")
    print(f"log loss {loss:.3f} on the rows to test on")
    xsoftmax.plots.plot_loss_curve(
        network.loss_curve_,
        validation_scores=network.validation_scores_,
        validation_losses=network.validation_loss_curve_,
        ax=ax,
    )
    ax.set_title(f"early_stopping={watch!r}")
plt.savefig("callbacks.png")
plt.show()
