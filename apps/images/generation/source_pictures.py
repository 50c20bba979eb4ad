"""Source pictures of image-to-image and upscaling: read them for drawing, keep them when their row is deleted.

A picture that starts from another of the same user refers to it (`from_parent`, `upscale`) and has no copy. When the
source is deleted, its variants get the file under names of their own, so that they can still be repeated.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from django.core.files.base import ContentFile
from django.db.models import Q
from django.db.models.fields.files import FieldFile

from apps.engines.types import EngineRefused
from apps.images.models import Picture

_HAS_SOURCE = Q(from_parent=True) | Q(upscale__gt=0)


def read_source(row: Picture) -> bytes:
    """Return the picture that this one is made from; b"" if there is none.

    Raises EngineRefused if the source is deleted or held for review. Read it once: it may be deleted while this picture
    is drawn.
    """
    if not (row.start or row.from_parent or row.upscale):
        return b""
    if row.start:
        return read_file(row.start)
    if row.parent is None:
        raise EngineRefused("The starting picture is no longer available.")
    if row.parent.status == Picture.Status.HELD:
        raise EngineRefused("The starting picture is withheld for review.")
    return read_file(row.parent.file)


def inherited_blur(row: Picture) -> str:
    """Return the clause under which the source is blurred, and so this picture too; "" if it is not."""
    if row.start:
        return row.blur  # set when it was requested, or when its source was deleted
    return row.parent.blur if row.parent is not None and (row.from_parent or row.upscale) else ""


def read_file(field: FieldFile) -> bytes:
    """Return the content of a picture's file; b"" if it has none. Raises EngineRefused if the file is missing."""
    if not field:
        return b""
    try:
        with field.open("rb") as file:
            return bytes(file.read())
    except FileNotFoundError as error:
        raise EngineRefused("The starting picture is no longer available.") from error


def preserve_sources(rows: Iterable[Picture]) -> None:
    """Give the variants of `rows`, which are about to be deleted, the sources as their own start files.

    Held pictures are not preserved. Must run inside the transaction that deletes the rows.
    """
    sources = {row.pk: row for row in rows if row.status == Picture.Status.READY and row.file}
    for variant in Picture.objects.filter(_HAS_SOURCE, parent__in=list(sources), start="").exclude(
        pk__in=list(sources)
    ):
        source = sources[variant.parent_id] if variant.parent_id else None
        if source is not None and (name := _copy_file(source, f"starts/{variant.pk}.png")):
            variant.start.name, variant.start_sha256 = name, source.sha256
            variant.blur = variant.blur or source.blur
            variant.save(update_fields=["start", "start_sha256", "blur"])


def _copy_file(source: Picture, name: str) -> str:
    """Return the name of a second copy of the source's file: a hard link if possible; "" if the file is missing."""
    storage = source.file.storage
    with suppress(OSError, NotImplementedError, AttributeError):  # storages without paths, disks without links
        original, copy = Path(source.file.path), Path(storage.path(name))
        copy.parent.mkdir(parents=True, exist_ok=True)
        os.utime(original)  # the sweep removes old files without a row, and this one has none yet
        os.link(original, copy)
        return name
    try:
        return storage.save(name, ContentFile(read_file(source.file)))
    except EngineRefused:
        return ""
