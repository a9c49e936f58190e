"""Hold the docstrings of all public names to numpydoc's validation, as scikit-learn does.

A documented default must be that of the signature, too.

Public is what the modules below name in ``__all__``, and the methods and properties that its
classes take from xsoftmax. Needs: pip install ".[dev]"
"""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from collections.abc import Iterator
from typing import Any

from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import validate

MODULES = (
    "xsoftmax",
    "xsoftmax.classifiers",
    "xsoftmax.conversion",
    "xsoftmax.datasets",
    "xsoftmax.functional",
    "xsoftmax.plots",
    "xsoftmax.serialization",
)

#: Checks that are left out, and why.
NOT_CHECKED = {
    "GL01": "the summary begins on the line of the opening quotes",
    "GL02": "a docstring of one line closes its quotes on that line",
    "RT02": "what is returned has a name",
}
#: Checks of classes only: a function may be explained by its summary and its parameters.
CLASSES_ONLY = {"ES01", "SA01"}
#: Checks of classes and functions, whose examples show the methods too.
NO_METHODS = {"EX01"}
#: Checks of what a property has not.
NO_PROPERTIES = {"GL08", "PR02"}


def members(owner: type) -> Iterator[tuple[str, Any]]:
    """The public methods and properties of a class that xsoftmax defines."""
    for attribute in dir(owner):
        value = getattr(owner, attribute, None)
        function = value.fget if isinstance(value, property) else value
        if attribute.startswith("_") or not inspect.isfunction(function):
            continue
        if function.__module__.startswith("xsoftmax"):
            yield attribute, value


def public() -> Iterator[tuple[str, Any, bool]]:
    """The full name of every public object, itself, and whether it is a member of a class.

    Of several names of one object only the first is given.
    """
    seen = set()
    for place in MODULES:
        module = importlib.import_module(place)
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.ismodule(value) or value in seen:
                continue
            seen.add(value)
            yield f"{place}.{name}", value, False
            if inspect.isclass(value):
                for attribute, member in members(value):
                    yield f"{place}.{name}.{attribute}", member, True


def left_out(value: Any, is_member: bool) -> set[str]:
    """The codes of the checks that do not apply."""
    codes = set(NOT_CHECKED)
    if not inspect.isclass(value):
        codes |= CLASSES_ONLY
    if is_member:
        codes |= NO_METHODS
    if isinstance(value, property):
        codes |= NO_PROPERTIES
    return codes


def other_defaults(value: Any) -> Iterator[str]:
    """Each parameter whose type names another default than the signature, or none."""
    for parameter in NumpyDocString(inspect.getdoc(value) or "")["Parameters"]:
        known = inspect.signature(value).parameters
        if parameter.name not in known:  # which numpydoc finds
            continue
        default = known[parameter.name].default
        _, says_one, text = parameter.type.partition("default=")
        if default is inspect.Parameter.empty:
            agrees = not says_one
        else:
            agrees = text == repr(default) or _read(text) == default
        if not agrees:
            yield f"{parameter.name} : {parameter.type}; the signature has {default!r}"


def _read(text: str) -> Any:
    """The value of a literal; of what is none, one that equals no other."""
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return object()


def main() -> int:
    """Print every fault; 1 if there is one."""
    n_faulty = n_checked = 0
    for name, value, is_member in public():
        found = validate(name)
        skipped = left_out(value, is_member)
        faults = [(code, text) for code, text in found["errors"] if code not in skipped]
        faults += [("default", text) for text in other_defaults(value)]
        n_checked += 1
        n_faulty += bool(faults)
        for code, text in faults:
            print(f"{found['file']}:{found['file_line']}: {name}: {code} {text}")
    print(f"{n_checked} docstrings, {n_faulty} with faults")
    return min(n_faulty, 1)


if __name__ == "__main__":
    sys.exit(main())
