"""``xsoftmax evaluate``."""

from __future__ import annotations

from .. import arrays, datasets, evaluation
from . import options
from .console import print_files, print_json, print_scores
from .outputs import RESULT_PICTURES, Force, check_pictures, drawn


def evaluate(
    model: options.ModelFile,
    data: options.Data = "digits",
    labels: options.Labels = None,
    label_column: options.LabelColumn = None,
    test_size: options.TestSize = 0.2,
    data_dir: options.DataDir = None,
    backend: options.BackendName = "numpy",
    device: options.Device = None,
    seed: options.Seed = 0,
    plots: options.Plots = None,
    force: Force = False,
    as_json: options.AsJson = False,
) -> None:
    """Score a saved model on the rows of DATA to test on.

    With the --seed and --test-size of train, these are the rows that it did not train on.
    """
    if plots is not None:
        check_pictures(plots, RESULT_PICTURES, force=force)
    place = arrays.backend(backend, device)
    from .models import load_model

    estimator = load_model(model, place)
    dataset = datasets.load(
        data,
        labels=labels,
        label_column=label_column,
        data_dir=data_dir,
        test_size=test_size,
        random_state=seed,
    )
    result = evaluation.evaluate(estimator, place.asarray(dataset.X_test), dataset.y_test)
    pictures = drawn(
        plots, lambda module, folder: module.result_pictures(dataset, result.predictions, folder)
    )
    if as_json:
        print_json(
            {
                "test_accuracy": result.accuracy,
                "test_loss": result.loss,
                "n_samples": len(dataset.y_test),
                "model": str(model),
                "plots": [str(picture) for picture in pictures],
            }
        )
    else:
        print_scores(f"{model} on {dataset.name}", {"test": result})
        print_files(pictures)
