"""Upload handler that keeps arriving files in the data directory and refuses single files if the disk is full.

A killed process leaves at most partial files there, which the worker removes (`ingestion/worker.py`).
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
    """Empty file in place of an upload that did not fit on the disk; `store_upload` refuses it."""

    def __init__(self, name: str, content_type: str) -> None:
        super().__init__(io.BytesIO(), name, content_type, 0, None)


class DiskFullUploadHandler(TemporaryFileUploadHandler):
    """Django's handler of temporary files, except that a full disk ends one file and not the whole request."""

    _full = False

    def new_file(self, *args: object, **kwargs: object) -> None:
        self._full = False
        vars(self).pop("file", None)  # the previous file is complete: a failure of this one must not close it
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
                self.file.flush()  # so that a full disk fails here, where it is handled
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
            with suppress(OSError):  # its buffer does not fit on the disk either; closing it deletes the file
                file.close()
