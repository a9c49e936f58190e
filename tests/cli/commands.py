"""Commands as a person runs them: in a process of their own."""

import os
import subprocess
import sys

ENVIRONMENT = {**os.environ, "COLUMNS": "120", "NO_COLOR": "1", "PYTHONWARNINGS": "default"}


def run(*arguments, cwd, code=0):
    """stdout and stderr of a command that must exit with `code`."""
    done = subprocess.run(
        [sys.executable, "-m", "xsoftmax", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=300,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout, done.stderr


def write_table(path, names, rows):
    path.write_text("\n".join(",".join(map(str, row)) for row in [names, *rows]) + "\n")
