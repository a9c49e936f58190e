"""Arrays of a user's own: .npz, or a pair of .npy."""

import numpy as np
import pytest

from xsoftmax import datasets


def test_load_reads_npz_with_and_without_a_test_set(tmp_path, rng):
    X, y = rng.standard_normal((30, 4)), np.arange(30) % 3
    np.savez(tmp_path / "split.npz", X_train=X, y_train=y, X_test=X[:9], y_test=y[:9])
    data = datasets.load(tmp_path / "split.npz")
    assert (len(data.X_train), len(data.X_test)) == (30, 9)
    np.savez(tmp_path / "whole.npz", x=X, y=y)
    data = datasets.load(tmp_path / "whole.npz", test_size=0.4)
    assert (len(data.X_train), len(data.X_test)) == (18, 12)
    assert np.bincount(data.y_test).tolist() == [4, 4, 4]


def test_load_flattens_images_in_npz(tmp_path, rng):
    images = rng.integers(0, 256, (30, 5, 4), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", x_train=images, y_train=np.arange(30) % 3)
    data = datasets.load(tmp_path / "images.npz")
    assert data.image_shape == (5, 4)
    assert data.X_train.shape[1] == 20
    assert data.X_train.max() <= 1


def test_load_reads_a_pair_of_npy(tmp_path, rng):
    np.save(tmp_path / "X.npy", rng.standard_normal((20, 3)))
    np.save(tmp_path / "y.npy", np.asarray(["a", "b"] * 10))
    data = datasets.load(tmp_path / "X.npy", labels=tmp_path / "y.npy")
    assert set(data.y_train) == {"a", "b"}
    with pytest.raises(ValueError, match=r"name the \.npy file of labels"):
        datasets.load(tmp_path / "X.npy")


def test_load_reads_names_in_npz(tmp_path, rng):
    X = rng.standard_normal((20, 2))
    names = {"feature_names": np.asarray(["u", "v"]), "label_name": np.asarray("kind")}
    np.savez(tmp_path / "a.npz", X=X, y=np.arange(20) % 2, **names)
    data = datasets.load(tmp_path / "a.npz")
    assert (data.feature_names, data.label_name) == (("u", "v"), "kind")
    np.savez(tmp_path / "b.npz", X=X, y=np.arange(20) % 2, feature_names=np.asarray(["u", "u"]))
    with pytest.raises(ValueError, match="feature_names must be 2 different names"):
        datasets.load(tmp_path / "b.npz")
    np.savez(tmp_path / "c.npz", X=X, y=np.arange(20) % 2, feature_names=np.array(["u", "v"], "O"))
    with pytest.raises(ValueError, match="dtype=str"):
        datasets.load(tmp_path / "c.npz")


def test_load_refuses_nan_in_an_array_with_its_place(tmp_path):
    X = np.ones((6, 2))
    X[4, 1] = np.nan
    np.savez(tmp_path / "a.npz", X=X, y=np.arange(6) % 2)
    with pytest.raises(ValueError, match=r"row 4, column 1 .*features is nan"):
        datasets.load(tmp_path / "a.npz")


def test_load_refuses_arrays_that_are_damaged_or_do_not_fit(tmp_path, rng):
    np.savez(tmp_path / "a.npz", data=np.zeros(3))
    with pytest.raises(ValueError, match="must hold X_train and y_train, or X and y"):
        datasets.load(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", X=np.zeros((4, 2)), y=np.zeros(3))
    with pytest.raises(ValueError, match=r"need labels of shape \(4,\); got \(3,\)"):
        datasets.load(tmp_path / "b.npz")
    np.save(tmp_path / "o.npy", np.asarray([{}], dtype=object))
    with pytest.raises(ValueError, match=r"no plain \.npy array"):
        datasets.load(tmp_path / "o.npy", labels=tmp_path / "o.npy")
    (tmp_path / "c.npz").write_bytes(b"not a zip")
    with pytest.raises(ValueError, match=r"no \.npz file"):
        datasets.load(tmp_path / "c.npz")
    np.savez_compressed(tmp_path / "d.npz", X=rng.random((40, 5)), y=np.zeros(40))
    content = bytearray((tmp_path / "d.npz").read_bytes())
    content[80:140] = bytes(byte ^ 0x5A for byte in content[80:140])
    (tmp_path / "d.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"no \.npz file"):
        datasets.load(tmp_path / "d.npz")
    (tmp_path / "z.npz").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ValueError, match=r"no \.npz file"):
        datasets.load(tmp_path / "z.npz")
