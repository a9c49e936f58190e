"""Downloads: from the first mirror that answers, held to a checksum, resumed, whole or not at all.

pooch does the naming, the checking and the moving into place. What it lacks is resuming: the bytes
that arrived before a connection broke stay in a file that ends in .part, and the next attempt asks
for the rest.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pooch
import requests

CHUNK_BYTES = 1 << 16
TIMEOUT_SECONDS = 30


def default_folder() -> Path:
    """$XSOFTMAX_DATA_DIR, or the user's cache folder."""
    return Path(os.environ.get("XSOFTMAX_DATA_DIR") or pooch.os_cache("xsoftmax"))


def fetch(name: str, mirrors: Sequence[str], known_hash: str, folder: Path) -> Path:
    """Download the file `name` from one of the `mirrors` (addresses of folders) into `folder`.

    `known_hash` is of the file as published, like "sha256:...". Nothing is left in place unless it
    matches.

    Raises
    ------
    OSError
        If no mirror gives the file; the message tells what each said and what to do by hand.
    """
    failures = []
    for mirror in mirrors:
        try:
            path = pooch.retrieve(
                url=mirror + name,
                known_hash=known_hash,
                fname=name,
                path=folder,
                downloader=_resume(folder / f"{name}.part"),
            )
        except (OSError, ValueError) as error:  # requests' errors are OSErrors
            failures.append(f"  {mirror}{name}: {error}")
        else:
            return Path(path)
    raise OSError(
        f"cannot download {name}:\n" + "\n".join(failures) + f"\nWithout a network, put {name} "
        f"into {folder} yourself, or name the folder that has it (--data-dir, or the environment "
        "variable XSOFTMAX_DATA_DIR)."
    )


def _resume(part: Path) -> Any:
    """A downloader for pooch that continues the file `part`."""

    def download(url: str, output_file: Any, _: Any) -> None:
        have = part.stat().st_size if part.exists() else 0
        headers = {"Accept-Encoding": "identity"}  # the archive itself, not decoded on the way
        if have:
            headers["Range"] = f"bytes={have}-"
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as response:
            if response.status_code != requests.codes.requested_range_not_satisfiable:
                response.raise_for_status()
                partial = response.status_code == requests.codes.partial_content
                with part.open("ab" if partial else "wb") as file:
                    for chunk in response.iter_content(CHUNK_BYTES):
                        file.write(chunk)
        part.replace(output_file)

    return download
