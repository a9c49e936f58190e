"""The code of the README and of the pages prints what they say, and the pages name everything."""

import re
from importlib import import_module
from pathlib import Path

import pytest

import xsoftmax

ROOT = Path(__file__).parents[1]
#: Pages with code, and what it needs beside the package.
NEEDED = {"docs/larger.md": "distributed", "docs/guide/data.md": "pandas"}
NEEDED["docs/guide/watching.md"] = "sklearn.callback"
PAGES = [
    str(path.relative_to(ROOT))
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if path.exists() and "```python" in path.read_text()
]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.filterwarnings("ignore:.*the best C_", "ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_code_of_a_page_prints_what_its_comments_say(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if page in NEEDED:
        pytest.importorskip(NEEDED[page], reason=f"{NEEDED[page]} is not installed")
    blocks, names = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL), {}
    for block in blocks:
        expected = re.findall(r"^ *print.*# (.*)$", block, re.MULTILINE)
        exec(compile(block, page, "exec"), names)
        assert capsys.readouterr().out.splitlines() == expected


def test_the_reference_has_every_public_name():
    reference = (ROOT / "docs" / "api.rst").read_text()
    listed = set(re.findall(r"^   ([\w.]+)$", reference, re.MULTILINE))
    modules = ("functional", "metrics", "datasets", "plots")
    public = set(xsoftmax.__all__) - set(modules)
    for module in modules:
        names = import_module(f"xsoftmax.{module}").__all__
        public |= {f"{module}.{name}" for name in names}
    assert listed == public


def test_links_of_the_readme_lead_somewhere():
    links = re.findall(r"\]\(([^)#]+)", (ROOT / "README.md").read_text())
    assert [link for link in links if "//" not in link and not (ROOT / link).exists()] == []
