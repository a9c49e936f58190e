"""Data sets by name (digits, MNIST, Fashion-MNIST) and from files (.npz, .npy, CSV, IDX)."""

from .dataset import Dataset
from .digits import digits
from .load import load, load_features
from .mnist import fashion_mnist, idx_folder, mnist
from .tables import read_csv, read_npy, read_npz

__all__ = [
    "Dataset",
    "digits",
    "fashion_mnist",
    "idx_folder",
    "load",
    "load_features",
    "mnist",
    "read_csv",
    "read_npy",
    "read_npz",
]
