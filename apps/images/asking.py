"""A picture is asked for: what may be asked, checked and put into the queue."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils.translation import gettext

from apps.engines import registry
from apps.engines.base import EngineRefused
from apps.engines.image.base import DrawRequest, PictureModel
from apps.engines.image.checks import check, opened, png, upright
from apps.engines.image.parts import region
from apps.images import described, reviewing, sources
from apps.images.making import TASK
from apps.images.models import Picture
from apps.images.screening import judged, listed
from apps.lib.bell import send
from apps.lib.ids import new_id
from apps.safety import gate
from apps.safety.check import Verdict, strictest
from apps.safety.levels import Level, read, stricter_of
from apps.safety.restricting import Feature, closed
from apps.users import limits
from apps.users.language import looked_up
from apps.users.models import User
from apps.users.quota import Resource

MOST = 4  # of one request
WAITING = 12  # of one person, at most
SEEDS = 2**32
_UNSEEN = "This assistant shows only pictures that a check has looked at, and no such check is set up here."


class Refused(Exception):
    """Nothing was put into the queue; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for; None is as the model has it."""

    prompt: str
    negative: str = ""
    count: int = 1
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    guidance: float | None = None
    scheduler: str = ""
    seed: int | None = None  # of the first; None: by chance
    strength: float = 0.6
    parent: Picture | None = None
    from_parent: bool = False
    start: bytes = b""  # a picture to start from that was not drawn here, or whose row is gone
    mask: bytes = b""  # of what it starts from: which part is drawn anew, the rest stays; empty: everything
    repeats: Picture | None = None  # whose recipe this is, to the last number
    level: Level = Level.SITE  # how strictly words and picture are judged


def ask(user: User, wish: Wish, address: str = "", verdict: Verdict | None = None) -> list[Picture]:
    """Store and return the rows that wait to be drawn, or one that is held where its words wait for a reviewer. Words
    that are drawn and looked at afterwards open a case of each picture. `verdict` is the gate's on the words, where it
    was asked before. Raises Refused, OverLimit or EngineError.
    """
    wish = replace(wish, prompt=gate.normalise(wish.prompt), negative=gate.normalise(wish.negative))
    if wish.parent is not None and wish.from_parent:
        wish = replace(wish, level=stricter_of(wish.level, read(wish.parent.level)))
    if words := closed(user, Feature.PICTURES):
        raise Refused(words)
    if not 1 <= wish.count <= MOST:
        raise Refused(gettext("Ask for 1 to %(most)s pictures at once.") % {"most": MOST})
    if wish.level == Level.STRICTEST and registry.classify_pictures() is None:
        raise Refused(gettext(_UNSEEN))
    model = described.current()
    request = _request(wish, model)
    check(request, model)
    if wish.from_parent and wish.parent is not None and wish.parent.status != Picture.Status.READY:
        raise Refused(gettext("Only a finished picture can be started from."))
    files = _files(wish, request)
    room(user, wish.count)
    limits.take(user, Resource.PICTURES, cost=wish.count)
    texts = (wish.prompt, wish.negative)
    if verdict is None:
        verdict = judged(texts, wish.level)
    elif verdict.allowed:
        verdict = strictest([verdict, listed(texts, wish.level)])
    if not verdict.allowed:
        return [_held(Picture(**_row(user, wish, request, model, new_id(), 0)), files, verdict)]
    batch = new_id()
    with transaction.atomic():
        rows = [Picture(**_row(user, wish, request, model, batch, at)) for at in range(wish.count)]
        for row in rows:
            begin(row, files)
        Picture.objects.bulk_create(rows)
        for row in rows:
            reviewing.flag(row, verdict.judged)
            transaction.on_commit(partial(send, TASK, row.pk))
    return rows


def room(user: User, count: int) -> None:
    """Raises Refused where so many more would be too many at once."""
    if Picture.objects.filter(owner=user, status__in=Picture.ACTIVE).count() + count > WAITING:
        raise Refused(
            gettext("%(waiting)s of your pictures wait already; let some be drawn, or cancel them.")
            % {"waiting": WAITING}
        )


def _files(wish: Wish, request: DrawRequest) -> dict[str, bytes]:
    """PNGs of `start` and `mask`, where it has such. Raises EngineRefused for what cannot be used."""
    start, size = wish.start, (request.width, request.height)
    files = {"start": png(opened(start, *size))} if start else {}
    if wish.mask:
        source = start or (sources.content(wish.parent.file) if wish.parent and wish.from_parent else b"")
        if not source:
            raise Refused(gettext("A part can only be drawn anew of a picture that is there."))
        files["mask"] = png(region(wish.mask, source, *(size if start else upright(source).size)))
    return files


def begin(row: Picture, files: dict[str, bytes]) -> None:
    """It has copies of its own; those of a row that never comes go with the sweep."""
    for name, content in files.items():
        field = getattr(row, name)
        field.name = field.storage.save(f"{name}s/{row.pk}.png", ContentFile(content))
        setattr(row, f"{name}_sha256", hashlib.sha256(content).hexdigest())


def _held(row: Picture, files: dict[str, bytes], verdict: Verdict) -> Picture:
    """The words wait for a reviewer, where the policy asks for one. Raises Refused where it does not."""
    if verdict.judged is None or not verdict.judged.outcome.reviewed:
        raise Refused(looked_up(verdict.words))
    with transaction.atomic():
        begin(row, files)
        row.status, row.reason = Picture.Status.HELD, verdict.words[:400]
        row.save(force_insert=True)
        reviewing.flag(row, verdict.judged)
    return row


def _request(wish: Wish, model: PictureModel) -> DrawRequest:
    if wish.mask and not model.masks:
        raise EngineRefused("This model cannot draw a part of a picture anew.")
    if (wish.from_parent or wish.start) and not wish.mask and not model.starts:
        raise EngineRefused("This model cannot start from a picture.")
    seed = secrets.randbelow(SEEDS - MOST) if wish.seed is None else wish.seed
    if not 0 <= seed < SEEDS:
        raise Refused(gettext("The seed is a whole number from 0 to 4,294,967,295."))
    return DrawRequest(
        wish.prompt, seed, wish.width or model.width, wish.height or model.height,
        model.steps if wish.steps is None else wish.steps, model.guidance if wish.guidance is None else wish.guidance,
        wish.negative, wish.scheduler, strength=wish.strength,
    )  # fmt: skip


def _row(user: User, wish: Wish, request: DrawRequest, model: PictureModel, batch: Any, at: int) -> dict[str, Any]:
    names = ("prompt", "negative", "width", "height", "steps", "guidance", "scheduler", "strength")
    return {name: getattr(request, name) for name in names} | {
        "owner": user, "batch": batch, "seed": (request.seed + at) % SEEDS, "model": model.name,
        "fingerprint": model.fingerprint, "parent": wish.parent, "from_parent": wish.from_parent,
        "repeats": wish.repeats, "level": wish.level,
    }  # fmt: skip
