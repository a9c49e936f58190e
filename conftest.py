"""The examples of docstrings run in a folder of their own, without a screen, and close figures."""

from importlib.util import find_spec

import matplotlib as mpl
import pytest

mpl.use("agg")

#: Modules of libraries that may not be here.
collect_ignore = [] if find_spec("torch") else ["xsoftmax/conversion/torch_layers.py"]


@pytest.fixture(autouse=True)
def _around_examples(request):
    if not isinstance(request.node, pytest.DoctestItem):
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(request.getfixturevalue("tmp_path"))
        yield
    from matplotlib import pyplot as plt  # not for tests that draw nothing

    plt.close("all")
