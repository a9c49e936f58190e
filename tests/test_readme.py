"""The README's code prints what the README says."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(not (ROOT / "README.md").exists(), reason="only a clone has the README")
@pytest.mark.parametrize("page", ["README.md", "docs/probes.md", "docs/larger.md"])
@pytest.mark.filterwarnings("ignore:.*the best C_", "ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_code_of_a_page_prints_what_its_comments_say(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if page == "docs/larger.md":
        pytest.importorskip("distributed", reason="Dask is not installed")
    blocks, names = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL), {}
    assert blocks
    for block in blocks:
        expected = re.findall(r"^print.*# (.*)$", block, re.MULTILINE)
        exec(compile(block, page, "exec"), names)
        assert capsys.readouterr().out.splitlines() == expected
