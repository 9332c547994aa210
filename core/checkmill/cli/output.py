"""A file of results that others read at any moment, such as a textfile collector: the old one, or the new one whole."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

FILE_MODE = 0o644


def write_whole(path: Path, text: str) -> None:
    """Write aside in the same directory, and rename. A link is followed; what is no plain file is left alone.

    Raises OSError; then the file is as it was.
    """
    target = Path(os.path.realpath(path))
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(target.stat().st_mode):
            raise OSError(errno.EINVAL, "it is no plain file")
    # The collector reads all that ends as its files do: what is not finished ends otherwise.
    descriptor, aside = tempfile.mkstemp(prefix=f".{target.name[:100]}.", suffix=".new", dir=target.parent)
    try:
        with open(descriptor, "wb") as opened:  # noqa: PTH123 - a descriptor has no Path
            opened.write(text.encode("utf-8", "replace"))
            opened.flush()
            os.fchmod(descriptor, FILE_MODE)
            os.fsync(descriptor)
        Path(aside).replace(target)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
