"""Forward and backward: networks, activations, losses and targets; no training."""
