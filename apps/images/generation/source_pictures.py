"""What a picture is made from: read for whoever draws, and kept as long as a recipe needs it.

A picture that starts from another of its maker names it (`from_parent`, `upscale`) and has no copy of it. When that one
is deleted, its variants keep what they were made from under names of their own, so that their recipes still hold.
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

_MADE = Q(from_parent=True) | Q(upscale__gt=0)


def read_source(row: Picture) -> bytes:
    """The picture that this one is made from; empty where it is none. Raises EngineRefused where it is gone, or held.
    Read once: it may go while this one is drawn."""
    if not (row.start or row.from_parent or row.upscale):
        return b""
    if row.start:
        return read_file(row.start)
    if row.parent is None:
        raise EngineRefused("The picture to start from is no longer there.")
    if row.parent.status == Picture.Status.HELD:
        raise EngineRefused("The picture to start from is held for review.")
    return read_file(row.parent.file)


def inherited_blur(row: Picture) -> str:
    """The clause under which what it is made from is shown blurred, as then it is itself; empty where it is not."""
    if row.start:
        return row.blur  # since it was asked for, or its source was deleted
    return row.parent.blur if row.parent is not None and (row.from_parent or row.upscale) else ""


def read_file(field: FieldFile) -> bytes:
    """Of a file of a picture; empty where it has none. Raises EngineRefused where it is gone."""
    if not field:
        return b""
    try:
        with field.open("rb") as file:
            return bytes(file.read())
    except FileNotFoundError as error:
        raise EngineRefused("The picture to start from is no longer there.") from error


def preserve_sources(rows: Iterable[Picture]) -> None:
    """What is made from `rows`, which are about to be deleted, keeps them as its start. One that is held is kept for
    nothing. Call inside the transaction that deletes them."""
    kept = {row.pk: row for row in rows if row.status == Picture.Status.READY and row.file}
    for made in Picture.objects.filter(_MADE, parent__in=list(kept), start="").exclude(pk__in=list(kept)):
        source = kept[made.parent_id] if made.parent_id else None
        if source is not None and (name := _copied(source, f"starts/{made.pk}.png")):
            made.start.name, made.start_sha256 = name, source.sha256
            made.blur = made.blur or source.blur
            made.save(update_fields=["start", "start_sha256", "blur"])


def _copied(source: Picture, name: str) -> str:
    """The name in the storage under which its file is there once more, at no price where the disk has links; empty
    where the file is gone."""
    storage = source.file.storage
    with suppress(OSError, NotImplementedError, AttributeError):  # storages without paths, disks without links
        there, here = Path(source.file.path), Path(storage.path(name))
        here.parent.mkdir(parents=True, exist_ok=True)
        os.utime(there)  # the sweep takes an old file without a row, and this one has none yet
        os.link(there, here)
        return name
    try:
        return storage.save(name, ContentFile(read_file(source.file)))
    except EngineRefused:
        return ""
