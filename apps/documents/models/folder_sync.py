"""Model of a requested folder sync and of its progress."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from apps.documents.models.collection import Collection
from apps.lib.db.leases import Leased


class FolderSync(Leased):
    """Folder sync of a collection, at most one each; the queue of `library/folder_sync.py`.

    Documents themselves record the folder that they came from.
    """

    collection = models.OneToOneField(Collection, on_delete=models.CASCADE, related_name="folder_sync")
    folder = models.CharField(max_length=255, help_text="In SYNC_DIR; '.' is all of it")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    pending = models.BooleanField(default=False, help_text="True until the sync is done")
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    confirmed = models.PositiveIntegerField(default=0, help_text="Number of removals that the user has confirmed")
    problems = models.JSONField(default=list, help_text="Files that could not be stored: [path, reason]")
    changed = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.folder} for {self.collection_id}"
