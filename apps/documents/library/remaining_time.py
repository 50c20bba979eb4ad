"""Estimate how long the waiting files of a collection will take, from the files of the same batch that are ready."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, Min, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from apps.documents.models import Collection, Document

FEWEST = 3  # ready files from which an estimate is made
SOONEST_S = 5  # seconds of work from which an estimate is made
TOGETHER = timedelta(minutes=10)  # files uploaded within this time before the first waiting one are of its batch


def estimate_remaining(collection: Collection, waiting_bytes: int, began: datetime) -> str:
    """Return the remaining time in words, "about 4 minutes left"; "" if too little is known.

    `waiting_bytes` is the size of all waiting files, `began` the upload time of the first of them. Queries the
    database.
    """
    batch = Document.objects.filter(collection=collection, created__gte=began - TOGETHER)
    ready = Q(status=Document.Status.READY)
    done = batch.aggregate(
        bytes=Sum("size", filter=ready), count=Count("pk", filter=ready), first=Min("created", filter=ready)
    )
    if done["count"] < FEWEST or not done["bytes"]:
        return ""
    took = (timezone.now() - done["first"]).total_seconds()
    return format_duration(took * waiting_bytes / done["bytes"]) if took >= SOONEST_S else ""


def format_duration(seconds: float) -> str:
    """Return the remaining seconds in words, rounded to minutes or hours."""
    minutes, hours = round(seconds / 60), round(seconds / 3600)
    if minutes < 1:
        return gettext("less than a minute left")
    if minutes < 90:
        return ngettext("about %(n)s minute left", "about %(n)s minutes left", minutes) % {"n": minutes}
    return ngettext("about %(n)s hour left", "about %(n)s hours left", hours) % {"n": hours}
