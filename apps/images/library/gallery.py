"""Search, vary, repeat, cancel, delete and download pictures.

Each change raises PermissionDenied for the picture of another user; `delete_pictures` skips these.
"""

from __future__ import annotations

import json
import logging
import tempfile
import zipfile
from collections.abc import Iterable
from functools import partial
from typing import IO, Any
from uuid import UUID

from django.db import transaction
from django.db.models import Case, Q, QuerySet, Value, When
from django.db.models.fields.files import FieldFile
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from apps.engines.types import EngineError, EngineRefused
from apps.images.generation import prompt_embeddings, source_pictures
from apps.images.models import Picture, PictureQuerySet
from apps.images.moderation import picture_cases
from apps.images.requests.submission import PictureRequest, PictureRequestRefused
from apps.lib.db.permissions import require_row
from apps.safety.models.strictness import parse_strictness
from apps.safety.moderation import auto_close
from apps.users.models import User

log = logging.getLogger(__name__)

GALLERY_VIEWS = (
    ("", gettext_lazy("All")), ("favourites", gettext_lazy("Favourites")), ("active", gettext_lazy("In progress")),
    ("held", gettext_lazy("Withheld")), ("failed", gettext_lazy("Failed")),
)  # fmt: skip
_MAX_ANCESTORS = 12  # ancestors that are shown at most
_MAX_WORDS, _MAX_SIMILAR = 10, 48  # search words at most; pictures found by meaning at most
_ENDED = (Picture.Status.FAILED, Picture.Status.CANCELLED)
_RECIPE = (
    "prompt", "negative", "width", "height", "steps", "guidance", "scheduler", "seed", "strength",
    "model", "fingerprint", "upscale", "plain_sha256",
)  # fmt: skip


def search_pictures(user: User, show: str, text: str) -> PictureQuerySet:
    """Return the user's pictures whose prompt holds every word, newest first, then similar ones, nearest first."""
    rows = Picture.objects.filter(owner=user)
    condition = {
        "favourites": Q(favourite=True), "active": Q(status__in=Picture.ACTIVE), "failed": Q(status__in=_ENDED),
        "held": Q(status=Picture.Status.HELD),
    }.get(show, Q())  # fmt: skip
    rows = rows.filter(condition)
    if not (words := text.split()[:_MAX_WORDS]):
        return rows
    has_words = Q()
    for word in words:
        has_words &= Q(prompt__icontains=word)
    similar = _find_similar(rows.exclude(has_words), text)
    place = Case(*(When(pk=pk, then=Value(at)) for at, pk in enumerate(similar, 1)), default=0)
    return rows.filter(has_words | Q(pk__in=similar)).annotate(place=place).order_by("place", "-created", "-seed")


def _find_similar(rows: QuerySet[Picture], text: str) -> list[UUID]:
    """Return ids of pictures with a similar prompt, nearest first; [] if the embedder fails."""
    try:
        return prompt_embeddings.find_nearest(rows, text)[:_MAX_SIMILAR]
    except EngineError as error:
        log.warning("Pictures are found by words only: %s", error)
        return []


def list_ancestors(row: Picture) -> list[Picture]:
    """Return the nearest `_MAX_ANCESTORS` ancestors, the eldest first, ending with the direct parent."""
    line: list[Picture] = []
    parent_id = row.parent_id
    while parent_id is not None and len(line) < _MAX_ANCESTORS:
        parent = Picture.objects.filter(owner=row.owner, pk=parent_id).defer("preview", "vector").first()
        if parent is None:
            break
        line.insert(0, parent)
        parent_id = parent.parent_id
    return line


def list_variants(row: Picture) -> QuerySet[Picture]:
    """Return the finished pictures made from this one."""
    return _select_finished(row).filter(parent=row)


def list_batch(row: Picture) -> QuerySet[Picture]:
    """Return the other finished pictures of the same request."""
    return _select_finished(row).filter(batch=row.batch).exclude(pk=row.pk)


def _select_finished(row: Picture) -> QuerySet[Picture]:
    return Picture.objects.filter(owner=row.owner, status=Picture.Status.READY).defer("preview", "vector")


def make_variation(row: Picture) -> PictureRequest:
    """Return a request with the same recipe and a random seed.

    Raises PictureRequestRefused if the source picture is gone.
    """
    return PictureRequest(
        row.prompt, row.negative, 1, row.width, row.height, row.steps, row.guidance, row.scheduler, None, row.strength,
        parent=row.parent if row.from_parent else row, from_parent=row.from_parent, start=_content(row.start),
        mask=_content(row.mask), level=parse_strictness(row.level),
    )  # fmt: skip


def make_repetition(row: Picture) -> PictureRequest:
    """Return a request with exactly the same recipe: the same model on the same machine draws the same bytes.

    Raises PictureRequestRefused if the source picture is gone.
    """
    return PictureRequest(
        row.prompt, row.negative, 1, row.width, row.height, row.steps, row.guidance, row.scheduler, row.seed,
        row.strength, parent=row.parent, from_parent=row.from_parent, repeat_of=row, start=_content(row.start),
        mask=_content(row.mask), level=parse_strictness(row.level),
    )  # fmt: skip


def _content(field: FieldFile) -> bytes:
    try:
        return source_pictures.read_file(field)
    except EngineRefused as error:
        raise PictureRequestRefused(gettext("The starting picture is no longer available.")) from error


def describe_recipe(row: Picture) -> dict[str, Any]:
    """Return every value that the picture depends on, for its JSON file."""
    return {name: getattr(row, name) for name in _RECIPE} | {
        "start": row.start_sha256 or (row.parent.sha256 if (row.from_parent or row.upscale) and row.parent else None),
        "mask": row.mask_sha256 or None,
    }


def cancel_drawing(user: User, row: Picture) -> None:
    """Cancel an unfinished picture; a drawing stops at its next step. Raises PermissionDenied."""
    require_row(Picture.objects.filter(owner=user), row.pk)
    Picture.objects.filter(pk=row.pk, status__in=Picture.ACTIVE).update(
        status=Picture.Status.CANCELLED, lease_token="", lease_until=None, changed=timezone.now()
    )


def set_favourite(user: User, row: Picture, *, favourite: bool) -> None:
    """Mark the picture as a favourite, or unmark it. Raises PermissionDenied."""
    require_row(Picture.objects.filter(owner=user), row.pk)
    Picture.objects.filter(pk=row.pk).update(favourite=favourite)


def delete_pictures(user: User, ids: Iterable[UUID]) -> int:
    """Delete pictures of the user and return how many.

    Rows go first: the sweep removes files without a row, but nothing repairs a row without its file.
    """
    own = Picture.objects.filter(owner=user, pk__in=list(ids))
    rows = list(own.only("pk", "file", "start", "mask", "status", "sha256"))
    with transaction.atomic():
        source_pictures.preserve_sources(rows)
        Picture.objects.filter(pk__in=[row.pk for row in rows]).delete()
        auto_close.close_deleted(picture_cases.KIND, *(str(row.pk) for row in rows))
        transaction.on_commit(partial(_remove_files, rows))
    return len(rows)


def _remove_files(rows: Iterable[Picture]) -> None:
    for row in rows:
        for name in row.files:
            row.file.storage.delete(name)


def make_archive(rows: Iterable[Picture]) -> IO[bytes]:
    """Return an open ZIP file, positioned at its start, with each picture, its mask and its recipe."""
    output = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    with zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as archive:
        for row in rows:
            with row.file.open("rb") as file:
                name = f"{row.file_stem}-{row.seed}-{row.pk.hex[:6]}"
                archive.writestr(f"{name}.png", file.read())
            if row.mask:
                archive.writestr(f"{name}-mask.png", _content(row.mask))
            archive.writestr(f"{name}.json", json.dumps(describe_recipe(row), indent=1))
    output.seek(0)
    return output
