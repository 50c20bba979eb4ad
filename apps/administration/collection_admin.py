"""Admin of collections: name, owner, counts, size, sharing and retention. Read-only.

Shows no text, document title or file: administrators do not read the documents of users.
"""

from __future__ import annotations

from typing import Any

from django.contrib.admin import display
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext, gettext_lazy, ngettext
from unfold.views import ChangeList

from apps.administration.model_admin import GuardedModelAdmin
from apps.documents.models import Collection, Document, GroupShare, Membership
from apps.privacy import retention
from apps.privacy.models import Keeping


class RetentionChangeList(ChangeList):  # type: ignore[misc]
    """List page that reads the retention rules of all its rows in one query."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        rules = Keeping.objects.filter(
            scope=retention.Scope.COLLECTION, subject__in=[str(row.pk) for row in self.result_list]
        )
        days = dict(rules.values_list("subject", "days"))
        for row in self.result_list:
            row.days = days.get(str(row.pk), 0)


class CollectionAdmin(GuardedModelAdmin):
    """Read-only admin of collections."""

    title = gettext_lazy("Collections")
    list_display = ("name", "owner", "documents", "size", "shared", "kept", "created")
    list_select_related = ("owner",)
    search_fields = ("name", "owner__name", "owner__email")
    search_help_text = gettext_lazy("Name or owner")
    ordering = ("name", "pk")
    fields = readonly_fields = ("name", "owner", "documents", "size", "shared", "kept", "created")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Collection]:
        return Collection.objects.defer("description", "tuning").annotate(
            files=_sum_over_documents(Document.objects.all(), Count("pk")),
            bytes=_sum_over_documents(Document.every.all(), Sum("size")),
            people=_sum_over_documents(Membership.objects.all(), Count("pk")),
            groups=_sum_over_documents(GroupShare.objects.all(), Count("pk")),
        )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[RetentionChangeList]:
        return RetentionChangeList

    @display(description=gettext_lazy("Documents"), ordering="files")
    def documents(self, row: Any) -> int:
        return int(row.files)

    @display(description=gettext_lazy("Size"), ordering="bytes")
    def size(self, row: Any) -> str:
        return str(filesizeformat(row.bytes))

    @display(description=gettext_lazy("Shared with"))
    def shared(self, row: Any) -> str:
        if row.everyone:
            return gettext("everyone")
        people = ngettext("%(number)s person", "%(number)s people", row.people) % {"number": row.people}
        groups = ngettext("%(number)s group", "%(number)s groups", row.groups) % {"number": row.groups}
        return ", ".join([words for count, words in ((row.people, people), (row.groups, groups)) if count])

    @display(description=gettext_lazy("Kept"))
    def kept(self, row: Any) -> str:
        days = row.days if hasattr(row, "days") else retention.get_rule_days(retention.Scope.COLLECTION, row.pk)
        if not days:
            return gettext("Until it is deleted")
        return ngettext("%(number)s day", "%(number)s days", days) % {"number": days}


def _sum_over_documents(rows: QuerySet[Any], figure: Any) -> Coalesce:
    """Return a subquery of an aggregate over the rows that belong to the outer collection; 0 without rows."""
    own = rows.filter(collection=OuterRef("pk")).order_by().values("collection").annotate(figure=figure)
    return Coalesce(Subquery(own.values("figure"), output_field=IntegerField()), 0)
