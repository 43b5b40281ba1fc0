"""pip, fetching source distributions without building them. Run as a file by an interpreter that has pip.

pip asks a source distribution for its name and version by running its build, which is code of strangers. A source
distribution also states both in its file PKG-INFO, whose format is that of the metadata of a build
(https://packaging.python.org/en/latest/specifications/core-metadata/), so that is read instead.
Internal names of pip are replaced here: the version of pip is fixed where this file is called.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any


def _stated(distribution: Any) -> Any:
    asked = distribution.req
    stated = Path(asked.unpacked_source_directory, "PKG-INFO").read_bytes()
    return import_module("pip._internal.metadata").get_metadata_distribution(
        stated, asked.link.filename, asked.req.name
    )


def _unbuilt(*_: Any, **__: Any) -> None:
    """Nothing is prepared."""


def main() -> None:
    kind = import_module("pip._internal.distributions.sdist").SourceDistribution
    for name in ("prepare_distribution_metadata", "get_metadata_distribution"):
        if name not in vars(kind):
            sys.exit(f"this pip has no {name}: it would build what it fetches")
    kind.prepare_distribution_metadata = _unbuilt
    kind.get_metadata_distribution = _stated
    sys.exit(import_module("pip._internal.cli.main").main(sys.argv[1:]))


if __name__ == "__main__":
    main()
