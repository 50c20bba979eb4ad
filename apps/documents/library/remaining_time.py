"""How long the files that wait will still take, from how long those of the same batch took."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, Min, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from apps.documents.models import Collection, Document

FEWEST = 3  # files read, before anything is said
SOONEST_S = 5
TOGETHER = timedelta(minutes=10)  # files that came so close to each other are of one batch


def estimate_remaining(collection: Collection, waiting_bytes: int, began: datetime) -> str:
    """In words, "about 4 minutes left"; nothing where too little is known. `began`: when the first that waits came."""
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
    """Rounded as the guess deserves."""
    minutes, hours = round(seconds / 60), round(seconds / 3600)
    if minutes < 1:
        return gettext("less than a minute left")
    if minutes < 90:
        return ngettext("about %(n)s minute left", "about %(n)s minutes left", minutes) % {"n": minutes}
    return ngettext("about %(n)s hour left", "about %(n)s hours left", hours) % {"n": hours}
