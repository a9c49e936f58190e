"""Rows and labels, by name and from files; no models."""

from .bundled import digits
from .columns import Schema
from .dataset import Dataset, Rows, TableWarning, with_test_rows
from .features import read_features
from .numpy_files import read_npy, read_npz
from .published import fashion_mnist, idx_folder, mnist
from .sources import has_test_part, load, load_rows
from .tables import read_csv, read_parquet

__all__ = [
    "Dataset",
    "Rows",
    "Schema",
    "TableWarning",
    "digits",
    "fashion_mnist",
    "has_test_part",
    "idx_folder",
    "load",
    "load_rows",
    "mnist",
    "read_csv",
    "read_features",
    "read_npy",
    "read_npz",
    "read_parquet",
    "with_test_rows",
]
