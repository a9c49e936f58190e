"""
Rows on a cluster
=================

An array of Dask is fitted where its chunks lie: parameters go to the workers, sums come back. Here
the cluster is two processes on this machine; on a real one only the line that makes the client
changes. Workers may die: the sums of their chunks are made again.
"""

import matplotlib.pyplot as plt
import numpy as np

from xsoftmax import SoftmaxRegression


def main():
    try:
        import dask.array as da
        from distributed import Client, LocalCluster
    except ImportError:
        print('skipped: Dask is not installed; pip install "xsoftmax[dask]"')
        plt.figure().text(0.5, 0.5, "Dask is not installed", ha="center")
        plt.savefig("dask_cluster.png")
        return
    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with LocalCluster(processes=False, **settings) as cluster, Client(cluster) as client:
        # Rows that no one machine made: each worker draws its own chunks.
        n_samples, n_features, n_classes = 40_000, 50, 5
        state = da.random.default_rng(0)
        X = state.standard_normal((n_samples, n_features), chunks=(5_000, -1)).persist()
        weights = np.random.default_rng(0).standard_normal((n_features, n_classes))
        noise = state.gumbel(size=(n_samples, n_classes), chunks=(5_000, -1))
        y = (X @ weights + 3 * noise).argmax(axis=1)

        model = SoftmaxRegression(tol=1e-8).fit(X, y)
        print(f"{client.cluster.name}: {len(X.chunks[0])} chunks on 2 workers")
        print(f"{model.n_iter_} iterations, gap to the minimum {model.gap_:.1e}")
        print(f"accuracy: {model.score(X, y):.4f}")

        # Predictions are another array of Dask: nothing is computed until it is asked for.
        probabilities = model.predict_proba(X)
        print(f"predict_proba: {type(probabilities).__module__}, shape {probabilities.shape}")
        surest = probabilities.max(axis=1).compute()

        # The same rows in one array of NumPy end in the same place.
        alone = SoftmaxRegression(tol=1e-8).fit(X.compute(), y.compute())
        print(f"largest difference of a coefficient: {abs(alone.coef_ - model.coef_).max():.1e}")

    _, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    left.hist(surest, bins=40)
    left.set(xlabel="largest probability of a row", ylabel="rows", title="computed by the workers")
    right.plot(alone.coef_.ravel(), model.coef_.ravel(), ".")
    right.set(xlabel="coefficient, one array", ylabel="the same, on the cluster")
    plt.savefig("dask_cluster.png")
    plt.show()


if __name__ == "__main__":
    main()
