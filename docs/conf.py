"""How Sphinx builds the documentation: ``make -C docs html``."""

import inspect
import os
from importlib import import_module

import matplotlib as mpl

import xsoftmax

mpl.use("agg")
os.environ.setdefault("TQDM_DISABLE", "1")

project = "xsoftmax"
author = "the xsoftmax developers"
release = version = xsoftmax.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
exclude_patterns = ["_build", "_templates", "auto_examples/*.ipynb", "sg_execution_times.rst"]
exclude_patterns += ["auto_examples/sg_execution_times.rst"]
templates_path = ["_templates"]
nitpicky = True
nitpick_ignore_regex = [(r"py:.*", r"(sklearn|numpy|pathlib|torch|onnx|matplotlib)\..*")]
default_role = "literal"
# What scikit-learn says of its own properties, which ours inherit.
nitpick_ignore = [("py:obj", "n_features_in_"), ("py:obj", "classes_")]
suppress_warnings = ["config.cache", "ref.python", "ref.term"]

myst_heading_anchors = 3
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
autosummary_generate = True
numpydoc_show_class_members = False
numpydoc_xref_param_type = False


def own_members(name: str) -> list[tuple[str, str]]:
    """The public methods and properties of a class that xsoftmax defines, with their directive."""
    module, _, name = name.rpartition(".")
    owner, found = getattr(import_module(module), name), []
    for attribute in dir(owner):
        value = getattr(owner, attribute, None)
        function = value.fget if isinstance(value, property) else value
        public = not attribute.startswith("_") and inspect.isfunction(function)
        if public and function.__module__.startswith("xsoftmax"):
            kind = "autoproperty" if isinstance(value, property) else "automethod"
            found.append((kind, attribute))
    return found


autosummary_context = {"own_members": own_members}

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": "/plot_",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("xsoftmax",),
    "reference_url": {"xsoftmax": None},
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_signature": False,
}

html_theme = "pydata_sphinx_theme"
html_title = f"xsoftmax {release}"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_show_sourcelink = False
html_theme_options = {
    "navbar_align": "left",
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"index": [], "changelog": [], "glossary": []}
copyright = author
