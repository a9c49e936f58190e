"""Pictures of data, models and searches, for users; nothing is computed that others need.

Functions draw with matplotlib and return Axes: one, or an array of them for a grid. Displays draw
the same from an estimator or from predictions, as scikit-learn's do. Arrays may be of any library;
they are copied to the host. Names of classes are drawn as they are, never as mathematics, and in
whatever installed font has their script. Colours differ for the colour-blind too.
"""

from .classes import (
    ConfusionMatrixDisplay,
    ProjectionDisplay,
    RecallDisplay,
    ReliabilityDisplay,
    plot_confusion_matrix,
    plot_projection,
    plot_recall,
    plot_reliability,
)
from .curves import (
    BootstrapDisplay,
    LearningCurveDisplay,
    LossCurveDisplay,
    SweepDisplay,
    plot_bootstrap,
    plot_intervals,
    plot_learning_curve,
    plot_loss_curve,
    plot_sweep,
)
from .images import (
    PredictionsDisplay,
    WeightsDisplay,
    plot_predictions,
    plot_samples,
    plot_weights,
)

__all__ = [
    "BootstrapDisplay",
    "ConfusionMatrixDisplay",
    "LearningCurveDisplay",
    "LossCurveDisplay",
    "PredictionsDisplay",
    "ProjectionDisplay",
    "RecallDisplay",
    "ReliabilityDisplay",
    "SweepDisplay",
    "WeightsDisplay",
    "plot_bootstrap",
    "plot_confusion_matrix",
    "plot_intervals",
    "plot_learning_curve",
    "plot_loss_curve",
    "plot_predictions",
    "plot_projection",
    "plot_recall",
    "plot_reliability",
    "plot_samples",
    "plot_sweep",
    "plot_weights",
]
