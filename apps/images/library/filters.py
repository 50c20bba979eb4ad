"""Filters of the gallery: parse them from the URL, apply them to pictures, and write them as a URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from apps.images.models import Picture, PictureQuerySet
from apps.users.models import User

_NAMES = {"show": "show", "text": "q", "model": "model", "size": "size", "days": "since"}  # parameters in the URL
_LONGEST = 200  # characters of a value
_SMALL, _LARGE = 512, 1024  # pixels of the longer side: maximum of small, minimum of large

_IS_SMALL, _IS_LARGE = Q(width__lte=_SMALL, height__lte=_SMALL), Q(width__gte=_LARGE) | Q(height__gte=_LARGE)

SIZES = (
    ("small", gettext_lazy("up to 512 pixels"), _IS_SMALL),
    ("medium", gettext_lazy("513 to 1023 pixels"), ~_IS_SMALL & ~_IS_LARGE),
    ("large", gettext_lazy("1024 pixels or more"), _IS_LARGE),
)
TIME_SPANS = (("1", gettext_lazy("1 day")), ("7", gettext_lazy("7 days")), ("30", gettext_lazy("30 days")),
         ("365", gettext_lazy("1 year")))  # fmt: skip


@dataclass(frozen=True, slots=True)
class GalleryFilters:
    """Filters of the gallery; an empty field filters nothing."""

    show: str = ""  # key in `gallery.GALLERY_VIEWS`
    text: str = ""
    model: str = ""
    size: str = ""
    days: str = ""  # maximum age

    @property
    def is_filtered(self) -> bool:
        return bool(self.model or self.size or self.days)

    @property
    def query(self) -> str:
        """Return the query string of these filters."""
        return urlencode({name: getattr(self, field) for field, name in _NAMES.items() if getattr(self, field)})

    @property
    def query_without_show(self) -> str:
        """Return the query string without `show`."""
        return urlencode({n: getattr(self, f) for f, n in _NAMES.items() if f != "show" and getattr(self, f)})

    def narrow(self, rows: PictureQuerySet) -> PictureQuerySet:
        """Return the rows of that model, size and time span. Unknown values filter nothing."""
        if self.model:
            rows = rows.filter(model=self.model)
        for value, _, condition in SIZES:
            if value == self.size:
                rows = rows.filter(condition)
        if self.days in {value for value, _ in TIME_SPANS}:
            rows = rows.filter(created__gte=timezone.now() - timedelta(days=int(self.days)))
        return rows


def parse_filters(address: Mapping[str, Any]) -> GalleryFilters:
    """Return the filters of a request's query parameters."""
    return GalleryFilters(**{field: _plain(address.get(name, "")) for field, name in _NAMES.items()})


def _plain(value: object) -> str:
    """Return the value without NUL, which PostgreSQL refuses, and cut to `_LONGEST`."""
    return str(value).replace("\0", "")[:_LONGEST]


def list_choices(user: User, filters: GalleryFilters) -> dict[str, Any]:
    """Return the choices of the filter form: models that drew for the user, sizes and time spans."""
    models = Picture.objects.filter(owner=user).order_by("model").values_list("model", flat=True).distinct()
    return {
        "models": list(models), "sizes": [(value, label) for value, label, _ in SIZES], "spans": TIME_SPANS,
        "filters": filters,
    }  # fmt: skip
