"""Collections of all users as administrators see them: name, owner, counts, size, sharing and retention.

No text, document title or file is read: administrators do not see the documents of users.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy

from apps.documents.models import Collection, Document, GroupShare, Membership, PendingMembership
from apps.lib.table import Column
from apps.privacy import retention
from apps.privacy.models import RetentionRule

COLUMNS = (
    Column("name", gettext_lazy("Name"), ("name",)),
    Column("owner", gettext_lazy("Owner"), ("owner__name", "owner__email")),
    Column("documents", gettext_lazy("Documents"), ("document_count",)),
    Column("size", gettext_lazy("Size"), ("size_bytes",)),
    Column("sharing", gettext_lazy("Shared with")),
    Column("retention", gettext_lazy("Retention")),
    Column("created", gettext_lazy("Created"), ("created",)),
)


def list_collections(text: str = "") -> QuerySet[Collection]:
    """Return the collections whose name or owner holds every word of `text`.

    Each has `document_count`, `size_bytes` (also of files in the trash), `user_count` and `group_count`: those with
    whom it is shared.
    """
    rows = Collection.objects.select_related("owner").defer("description", "search_settings")
    for word in text.split():
        rows = rows.filter(Q(name__icontains=word) | Q(owner__name__icontains=word) | Q(owner__email__icontains=word))
    return rows.annotate(
        document_count=_aggregate_own(Document.objects.all(), Count("pk")),
        size_bytes=_aggregate_own(Document.all_objects.all(), Sum("size")),
        user_count=_aggregate_own(Membership.objects.all(), Count("pk"))
        + _aggregate_own(PendingMembership.objects.all(), Count("pk")),
        group_count=_aggregate_own(GroupShare.objects.all(), Count("pk")),
    )


def read_retention_days(rows: Iterable[Collection]) -> dict[str, int]:
    """Return the retention of the collections in days by id, without those that are kept until they are deleted."""
    rules = RetentionRule.objects.filter(scope=retention.Scope.COLLECTION, subject__in=[str(row.pk) for row in rows])
    return dict(rules.values_list("subject", "days"))


def _aggregate_own(rows: QuerySet[Any], figure: Any) -> Coalesce:
    """Return a subquery of an aggregate over the rows that belong to the outer collection; 0 without rows."""
    own = rows.filter(collection=OuterRef("pk")).order_by().values("collection").annotate(figure=figure)
    return Coalesce(Subquery(own.values("figure"), output_field=IntegerField()), 0)
