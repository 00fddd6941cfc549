"""Writing a file so that whoever looks sees the old one or the new one, never a part."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path


def write_whole(path: str | os.PathLike[str], contents: bytes) -> None:
    """Write a file in one step: a new one beside it, flushed to disk, then renamed.

    A link is followed, and an existing file keeps its permissions.

    Args:
        path: the file; its folder must exist.
        contents: all of it.

    Raises:
        OSError: if that fails; then the file is as it was.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_whole(Path(folder, "note.txt"), b"all of it")
        ...     Path(folder, "note.txt").read_bytes()
        b'all of it'
    """
    target = Path(os.path.realpath(path))
    beside = target.with_name(f".{secrets.token_hex(6)}.part")
    try:
        with open(beside, "xb") as file:
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, beside)
        os.replace(beside, target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # the new name, too, must survive a power failure
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
