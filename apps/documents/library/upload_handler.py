"""Files on their way in: they lie in the data directory until they are stored, and a full disk refuses them one by one.

A process that is killed leaves half a file there at most, which the worker removes (`worker.py`).
"""

from __future__ import annotations

import io
from contextlib import suppress
from typing import TYPE_CHECKING

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler

from apps.lib import disk_space

if TYPE_CHECKING:
    Uploaded = UploadedFile[bytes]
else:
    Uploaded = UploadedFile


class DiskFullPlaceholder(Uploaded):
    """Stands for a file of which the disk could not hold all; nothing of it is kept."""

    def __init__(self, name: str, content_type: str) -> None:
        super().__init__(io.BytesIO(), name, content_type, 0, None)


class DiskFullUploadHandler(TemporaryFileUploadHandler):
    """Django's, but that a full disk breaks off the file and not the request: the others go on."""

    _full = False

    def new_file(self, *args: object, **kwargs: object) -> None:
        self._full = False
        vars(self).pop("file", None)  # the one before has come, and stays whatever befalls this one
        try:
            super().new_file(*args, **kwargs)  # type: ignore[arg-type]
        except OSError as error:
            self._break_off(error)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if self._full:
            return
        try:
            super().receive_data_chunk(raw_data, start)
            if self.file is not None:
                self.file.flush()  # here, and not where nobody expects it to fail
        except OSError as error:
            self._break_off(error)

    def file_complete(self, file_size: int) -> Uploaded | None:
        if self._full:
            return DiskFullPlaceholder(self.file_name or "", self.content_type or "")
        return super().file_complete(file_size)

    def _break_off(self, error: OSError) -> None:
        if not disk_space.is_disk_full_error(error):
            raise error
        self._full = True
        if (file := getattr(self, "file", None)) is not None:
            with suppress(OSError):  # what it still holds back has no room either; closing it removes it
                file.close()
