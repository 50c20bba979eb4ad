"""Saved views of the review queue: filters that a reviewer named."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.utils.translation import gettext

from apps.safety.errors import ActionRefused

if TYPE_CHECKING:
    from apps.users.models import User

MAX_VIEWS = 20  # of one reviewer
MAX_NAME = 60  # characters
MAX_QUERY = 400  # characters


class SavedView(models.Model):
    """Named filters of a reviewer, visible to no other user."""

    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=MAX_NAME)
    query = models.CharField(max_length=MAX_QUERY, help_text="Query string of the queue's URL")

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["reviewer", "name"], name="one_saved_view_a_name")]

    def __str__(self) -> str:
        return f"Saved view {self.pk}"


def list_views(user: User) -> list[SavedView]:
    """Return the saved views of the user, by name."""
    return list(SavedView.objects.filter(reviewer=user))


def save_view(user: User, name: str, query: str) -> SavedView:
    """Store the query of the queue under the name, in place of the user's view of the same name, and return it.

    Raise ActionRefused unless the user is an active reviewer or administrator. So it does without a name, and beyond
    20 views.
    """
    if not (user.is_staff and user.is_active):
        raise ActionRefused(gettext("Only reviewers can do this."))
    name = " ".join(name.split())[:MAX_NAME]
    if not name:
        raise ActionRefused(gettext("Enter a name for the view."))
    with transaction.atomic():
        others = SavedView.objects.filter(reviewer=user).exclude(name=name)
        if others.count() >= MAX_VIEWS:
            raise ActionRefused(
                gettext("You have %(most)s saved views already. Delete one first.") % {"most": MAX_VIEWS}
            )
        row, _ = SavedView.objects.update_or_create(reviewer=user, name=name, defaults={"query": query[:MAX_QUERY]})
    return row


def delete_view(user: User, pk: int) -> bool:
    """Delete the user's saved view; return False if the user has no such view."""
    return bool(SavedView.objects.filter(reviewer=user, pk=pk).delete()[0])
