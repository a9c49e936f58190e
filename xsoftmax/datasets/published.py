"""MNIST and Fashion-MNIST: four IDX files each, from a folder or from the public mirrors."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..sources import check_inside
from .dataset import Dataset
from .download import default_folder, fetch
from .idx import read_idx

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


class Published(NamedTuple):
    """Where a data set is published, and checksums in the order of `FILES`."""

    mirrors: tuple[str, ...]
    archive_hashes: tuple[str, ...]  #: of the published .gz files
    content_md5: tuple[str, ...]  #: of what they contain
    class_names: tuple[str, ...] | None = None


MNIST = Published(
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    archive_hashes=(
        "sha256:440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "sha256:3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "sha256:8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "sha256:f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
    content_md5=(
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ),
)

FASHION_MNIST = Published(
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    archive_hashes=(
        "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "md5:25c81989df183df01b3e8a0aad5dffbe",
        "md5:bef4ecab320f06d8554ea6380940ec79",
        "md5:bb300cfdad3c16e7a12a480ee83cd310",
    ),
    content_md5=(
        "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "9018921c3c673c538a1fc5bad174d6f9",
        "8181f5470baa50b63fa0f6fddb340f0a",
        "15d484375f8d13e6eb1aabb0c3f46965",
    ),
    class_names=(
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ),
)  # fmt: skip


def mnist(data_dir: str | Path | None = None, *, dtype: str = "float32") -> Dataset:
    """Read or download MNIST: 60,000 + 10,000 images of handwritten digits, 10 classes.

    Parameters
    ----------
    data_dir : str or Path, default=None
        The folder that holds the four IDX files, gzipped or not, itself or in a folder "mnist".
        What is missing is downloaded into the latter. The default is $XSOFTMAX_DATA_DIR, or the
        user's cache folder.
    dtype : str, default="float32"
        The floating dtype of the features, which are pixel / 255.

    Returns
    -------
    data : Dataset
        Each row is an image of 28 x 28 pixels, 784 features in [0, 1]. Labels are int64.

    Raises
    ------
    ValueError
        If a file is damaged or does not have the published checksum.
    OSError
        If a file cannot be read, or no mirror gives it.

    See Also
    --------
    fashion_mnist : Clothes in the same format.
    idx_folder : Any data in that format.

    References
    ----------
    .. [1] LeCun, Y., Bottou, L., Bengio, Y. and Haffner, P. (1998), "Gradient-based learning
       applied to document recognition", Proceedings of the IEEE 86(11).
       doi:10.1109/5.726791

    Examples
    --------
    >>> from xsoftmax.datasets import mnist
    >>> data = mnist()  # doctest: +SKIP
    >>> data.X_train.shape, data.X_test.shape  # doctest: +SKIP
    ((60000, 784), (10000, 784))
    """
    return read_published("mnist", MNIST, data_dir, dtype=dtype)


def fashion_mnist(data_dir: str | Path | None = None, *, dtype: str = "float32") -> Dataset:
    """Read or download Fashion-MNIST: 60,000 + 10,000 images of clothes, in the format of `mnist`.

    Parameters
    ----------
    data_dir : str or Path, default=None
        The folder that holds the four IDX files, gzipped or not, itself or in a folder
        "fashion-mnist". What is missing is downloaded into the latter. The default is
        $XSOFTMAX_DATA_DIR, or the user's cache folder.
    dtype : str, default="float32"
        The floating dtype of the features, which are pixel / 255.

    Returns
    -------
    data : Dataset
        Each row is an image of 28 x 28 pixels, 784 features in [0, 1]. Labels are int64, and
        have names.

    Raises
    ------
    ValueError
        If a file is damaged or does not have the published checksum.
    OSError
        If a file cannot be read, or no mirror gives it.

    See Also
    --------
    mnist : Handwritten digits.

    References
    ----------
    .. [1] Xiao, H., Rasul, K. and Vollgraf, R. (2017), "Fashion-MNIST: a novel image dataset for
       benchmarking machine learning algorithms". arXiv:1708.07747

    Examples
    --------
    >>> from xsoftmax.datasets import fashion_mnist
    >>> data = fashion_mnist()  # doctest: +SKIP
    >>> data.class_names[:3]  # doctest: +SKIP
    ('T-shirt/top', 'Trouser', 'Pullover')
    """
    return read_published("fashion-mnist", FASHION_MNIST, data_dir, dtype=dtype)


def idx_folder(folder: str | Path, *, dtype: str = "float32") -> Dataset:
    """Read any data set in the format of `mnist` from its four files, without a checksum.

    Parameters
    ----------
    folder : str or Path
        Holds train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
        t10k-labels-idx1-ubyte, each gzipped (.gz) or not.
    dtype : str, default="float32"
        The floating dtype of the features, which are pixel / 255.

    Returns
    -------
    data : Dataset
        Each row is an image. Labels are int64. The name is that of the folder.

    Raises
    ------
    ValueError
        If a file is missing or damaged or a link that leads out of the folder, or images and
        labels do not go together.
    OSError
        If a file cannot be read.

    See Also
    --------
    mnist : Published files with their checksums.

    Examples
    --------
    >>> import numpy as np
    >>> from pathlib import Path
    >>> from xsoftmax.datasets import idx_folder
    >>> def write_idx(name, values):
    ...     header = bytes([0, 0, 8, values.ndim]) + np.asarray(values.shape, ">u4").tobytes()
    ...     Path(name).write_bytes(header + values.tobytes())
    >>> for part in ("train", "t10k"):
    ...     _ = write_idx(f"{part}-images-idx3-ubyte", np.zeros((5, 2, 3), np.uint8))
    ...     _ = write_idx(f"{part}-labels-idx1-ubyte", np.arange(5, dtype=np.uint8))
    >>> data = idx_folder(".")
    >>> data.X_train.shape, data.image_shape, data.y_test
    ((5, 6), (2, 3), array([0, 1, 2, 3, 4]))
    """
    paths = [_find(Path(folder), name) for name in FILES]
    missing = [name for name, path in zip(FILES, paths, strict=True) if path is None]
    if missing:
        raise ValueError(f"{folder} lacks {', '.join(missing)} (gzipped or not).")
    for path in filter(None, paths):
        check_inside(path, Path(folder).resolve())
    return _dataset(Path(folder).name, [read_idx(path) for path in paths if path], dtype)


def read_published(
    name: str, source: Published, data_dir: str | Path | None = None, *, dtype: str = "float32"
) -> Dataset:
    """Read the data set that `source` publishes, which `data_dir` holds as for `mnist`."""
    base = Path(data_dir) if data_dir is not None else default_folder()
    arrays = []
    for file, archive_hash, md5 in zip(
        FILES, source.archive_hashes, source.content_md5, strict=True
    ):
        path = _find(base / name, file) or _find(base, file)
        if path is None:
            path = fetch(f"{file}.gz", source.mirrors, archive_hash, base / name)
        arrays.append(read_idx(path, md5=md5))
    return _dataset(name, arrays, dtype, source.class_names)


def _find(folder: Path, name: str) -> Path | None:
    """The file itself or its archive."""
    paths = (folder / name, folder / f"{name}.gz")
    return next((path for path in paths if path.is_file()), None)


def _dataset(
    name: str, arrays: list[np.ndarray], dtype: str, class_names: tuple[str, ...] | None = None
) -> Dataset:
    train_images, train_labels, test_images, test_labels = arrays
    for images, labels in ((train_images, train_labels), (test_images, test_labels)):
        if images.ndim != 3 or labels.shape != images.shape[:1]:
            raise ValueError(
                f"{name}: images of shape {images.shape} do not go with labels of shape "
                f"{labels.shape}."
            )
    X_train, X_test = (
        np.divide(images.reshape(len(images), prod(images.shape[1:])), 255, dtype=dtype)
        for images in (train_images, test_images)
    )
    y_train, y_test = (labels.astype(np.int64) for labels in (train_labels, test_labels))
    height, width = train_images.shape[1:]
    return Dataset(name, X_train, y_train, X_test, y_test, (height, width), class_names)
