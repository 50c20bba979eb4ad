"""Write files of secret keys: one key per line, readable by the owner only, complete or not at all."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from apps.lib import disk_space


def write_key_file(path: Path, lines: Sequence[str], *, replace: bool) -> None:
    """Write the lines to the file and wait until they are on the disk; the folder is created if it is missing.

    Without `replace`, a file that another process created first stays. Raise OSError; an existing file stays then.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write("".join(f"{line}\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
        if replace:
            with suppress(FileNotFoundError, PermissionError):
                former = path.stat()
                os.chown(temporary, former.st_uid, former.st_gid)  # so that the service can read a file that root wrote
            temporary.replace(path)
        else:
            with suppress(FileExistsError):
                os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    disk_space.sync_path(path.parent)
