"""Data sets by name (digits, MNIST, Fashion-MNIST) and from files (.npz, .npy, CSV, IDX)."""

from .bundled import digits
from .dataset import Dataset
from .published import fashion_mnist, idx_folder, mnist
from .sources import load, load_features
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
