"""Permissions of tools, MCP servers, and decisions of users on calls that ask."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy

from apps.lib.db.stored_text_field import StoredTextField


class ToolPermission(models.TextChoices):
    """Permission of a tool, the strictest first."""

    OFF = "off", gettext_lazy("Off")
    ASK = "ask", gettext_lazy("Asks each time")
    ALLOWED = "allowed", gettext_lazy("Allowed")


class ToolSetting(models.Model):
    """Permission of a tool on this site, set by an administrator."""

    name = models.CharField(max_length=64, unique=True)
    permission = models.CharField(max_length=8, choices=ToolPermission.choices)

    def __str__(self) -> str:
        return f"{self.name}: {self.permission}"


class ToolServer(models.Model):
    """MCP server that an administrator added, with the tools it offered at the last refresh."""

    class Transport(models.TextChoices):
        """Kind of connection."""

        HTTP = "http", gettext_lazy("A web address")
        STDIO = "stdio", gettext_lazy("A program on this server")

    name = models.SlugField(max_length=20, unique=True)  # prefix of the names of its tools
    transport = models.CharField(max_length=8, choices=Transport.choices, default=Transport.HTTP)
    address = models.CharField(max_length=2000, blank=True)  # URL of the server
    command = models.CharField(max_length=40, blank=True)  # name of a command that the operator allows
    enabled = models.BooleanField(default=True)
    # Each also has a `hint`, unless the last refresh was before hints existed.
    tools = models.JSONField(default=list, blank=True)  # [{as, name, title, description, parameters}]
    problem = StoredTextField(blank=True)  # why the last refresh failed
    checked = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class ToolConsent(models.Model):
    """Decision of a user on a call that asks. The process that runs the turn reads it here."""

    answer = models.ForeignKey("conversations.Message", on_delete=models.CASCADE, related_name="consents")
    call = models.CharField(max_length=8)
    allowed = models.BooleanField()
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["answer", "call"], name="one_consent_a_call")]

    def __str__(self) -> str:
        return f"{self.answer_id} {self.call}: {'allowed' if self.allowed else 'denied'}"
