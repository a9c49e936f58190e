"""Features with labels beside them, in one file or in shards."""

import numpy as np
import pytest
import safetensors.numpy

from xsoftmax.datasets import read_features


def features(n_samples=6, first=0):
    X = first + np.arange(4.0 * n_samples).reshape(n_samples, 4)
    return X.astype(np.float16), (first + np.arange(n_samples)) % 3


def write(folder, name, X, y, kind):
    """One file of this kind, with its labels in it or beside it."""
    if kind == "npy":
        np.save(folder / f"{name}.npy", X)
        np.save(folder / f"{name}_labels.npy", y)
    elif kind == "npz":
        np.savez(folder / f"{name}.npz", embeddings=X, labels=y)
    else:
        safetensors.numpy.save_file({"features": X, "y": y}, folder / f"{name}.safetensors")


@pytest.mark.parametrize("kind", ["npy", "npz", "safetensors"])
def test_read_features_finds_the_labels_of_a_file(tmp_path, kind):
    X, y = features()
    write(tmp_path, "train", X, y, kind)
    rows = read_features(tmp_path / f"train.{kind}")
    np.testing.assert_array_equal(rows.X, X)
    np.testing.assert_array_equal(rows.y, y)
    assert rows.X.dtype == np.float16
    assert rows.name == "train"


def test_a_folder_is_read_in_the_order_of_its_shards(tmp_path):
    parts = [features(5), features(3, 5), features(4, 8)]
    for i, (part, kind) in enumerate(zip(parts, ("npz", "npy", "safetensors"), strict=True)):
        write(tmp_path, f"shard-{i}", *part, kind)
    rows = read_features(tmp_path)
    np.testing.assert_array_equal(rows.X, np.concatenate([X for X, _ in parts]))
    np.testing.assert_array_equal(rows.y, np.concatenate([y for _, y in parts]))


def test_numbers_in_names_of_shards_count_by_their_value(tmp_path):
    for i in (0, 2, 10, 1):
        np.save(tmp_path / f"shard_{i}.npy", np.full((1, 2), float(i)))
    np.save(tmp_path / "labels.npy", np.asarray([0, 1, 2, 10]))
    rows = read_features(tmp_path)
    np.testing.assert_array_equal(rows.X[:, 0], rows.y)


def test_a_folder_may_have_one_file_of_labels_for_all(tmp_path):
    for i in range(3):
        np.save(tmp_path / f"shard-{i}.npy", features(5, i)[0])
    words = np.asarray(["ash", "elm", "fir"] * 5)
    np.save(tmp_path / "labels.npy", words)
    rows = read_features(tmp_path)
    assert rows.X.shape == (15, 4)
    assert rows.y.tolist() == words.tolist()


def test_labels_that_are_named_come_first(tmp_path):
    X, y = features()
    write(tmp_path, "train", X, y, "npy")
    np.save(tmp_path / "others.npy", y + 1)
    rows = read_features(tmp_path / "train.npy", tmp_path / "others.npy")
    np.testing.assert_array_equal(rows.y, y + 1)


def broken(folder, how):
    """A path of features that something is wrong with."""
    X, y = features()
    if how == "no labels":
        np.save(folder / "a.npy", X)
        return folder / "a.npy"
    if how == "a shard without labels":
        write(folder, "a", X, y, "npy")
        np.savez(folder / "b.npz", X=X)
        return folder
    if how == "widths":
        write(folder, "a", X, y, "npy")
        write(folder, "b", X[:, :3], y, "npy")
        return folder
    if how == "names":
        np.savez(folder / "a.npz", images=X)
        return folder / "a.npz"
    if how == "empty":
        return folder
    if how == "kind":
        (folder / "a.csv").write_text("1,2\n")
        return folder / "a.csv"
    if how == "no tensors":
        (folder / "a.safetensors").write_bytes(b"no tensors")
        return folder / "a.safetensors"
    if how == "lengths":
        write(folder, "a", X, y[:-1], "npz")
        return folder / "a.npz"
    X[2, 1] = np.nan
    write(folder, "a", X, y, "npy")
    return folder / "a.npy"


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("no labels", r"a.npy holds features only: there must be a_labels.npy beside it;"),
        ("a shard without labels", r"b.npz holds features only: .* an array y in it, or labels"),
        ("widths", r"shards have features of different shapes, \[\(3,\), \(4,\)\]"),
        ("names", r"must hold an array named X, features or embeddings; it holds \['images'\]"),
        ("empty", "holds no features: no .npy, .npz, .safetensors file"),
        ("kind", "a.csv is no file of features: those end in .npy, .npz, .safetensors"),
        ("no tensors", "a.safetensors is no .safetensors file of arrays"),
        ("lengths", r"6 rows of features need labels of shape \(6,\); got \(5,\)"),
        ("nan", r"row 2, column 1 \(both from 0\) of the features is nan"),
    ],
)
def test_read_features_says_what_is_wrong(tmp_path, how, message):
    with pytest.raises(ValueError, match=message):
        read_features(broken(tmp_path, how))


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path):
    for name in ("a.npy", "a.npz", "a.safetensors"):
        with pytest.raises(FileNotFoundError, match=name):
            read_features(tmp_path / name)
