"""Check the links of the built pages: every file and every anchor that they lead to is there.

``python links.py _build/html``. Links to other sites are counted, and not followed.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """What a page links to, and its anchors."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors = {""}
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        known = dict(attributes)
        self.anchors |= {known[name] for name in ("id", "name") if known.get(name)}
        self.links += [known[name] for name in ("href", "src") if known.get(name)]


def main(root: Path) -> int:
    """Print what is broken; 1 if anything is."""
    found = (path for path in root.rglob("*.html") if "_static" not in path.parts)
    pages = {path.resolve(): Page(path) for path in found}
    n_links = n_outside = n_broken = 0
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            n_links += 1
            if parts.scheme or parts.netloc:
                n_outside += 1
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            anchors = pages[target].anchors if target in pages else {unquote(parts.fragment)}
            if not target.exists() or unquote(parts.fragment) not in anchors:
                n_broken += 1
                print(f"{path.relative_to(root.resolve())}: {link}")
    print(f"{len(pages)} pages, {n_links} links, {n_outside} to other sites, {n_broken} broken")
    return min(n_broken, 1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
