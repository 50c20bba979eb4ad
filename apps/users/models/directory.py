"""Models of what the organisation's directory manages by SCIM: accounts, groups, and the token it comes with."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class DirectoryToken(models.Model):
    """Bearer token of the directory; one row, with the primary key 1. Without it there is no SCIM."""

    secret_hash = models.CharField(max_length=64)
    secret_suffix = models.CharField(max_length=4)  # last characters of the secret, to recognise it
    created = models.DateTimeField(auto_now_add=True)
    last_used = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(pk=1), name="one_row_of_directory_tokens")]

    def __str__(self) -> str:
        return f"directory token {self.secret_suffix}"


class DirectoryAccount(models.Model):
    """Account that the directory manages. Other accounts are invisible to it.

    `active` is what the directory says. An account that an administrator or a decision closed stays closed.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="directory_account")
    external_id = models.CharField(max_length=200, blank=True)  # id in the directory
    user_name = models.CharField(max_length=254)
    user_name_key = models.CharField(max_length=254, unique=True)  # the user name without case
    active = models.BooleanField(default=True)
    created_here = models.BooleanField(default=True)  # by the directory; False: it existed, and was linked
    closed = models.BooleanField(default=False)  # by the directory, so that it may reopen the account
    removed = models.DateTimeField(null=True, blank=True)  # the directory deleted it; the account stays, closed
    created = models.DateTimeField(auto_now_add=True)
    modified = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"account {self.user_id} of the directory"


class DirectoryGroup(models.Model):
    """Group that the directory made. Groups made by hand are invisible to it."""

    group = models.OneToOneField("auth.Group", on_delete=models.CASCADE, related_name="directory_group")
    external_id = models.CharField(max_length=200, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    modified = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"group {self.group_id} of the directory"
