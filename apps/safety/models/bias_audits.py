"""Results of bias audits (`analytics/bias_audit.py` runs them)."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class BiasAudit(models.Model):
    """Result of one bias audit, under one version of the policy and of the classifiers."""

    policy = models.ForeignKey("safety.PolicyVersion", on_delete=models.PROTECT, related_name="+")
    version = models.CharField(max_length=120, help_text="Version of the text classifiers")
    rows = models.JSONField(help_text="[{group, harmless, noticed, acted, hateful, unnoticed, passed}]")
    run_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "safety"
        ordering: ClassVar = ["-created"]

    def __str__(self) -> str:
        return f"Bias {self.created:%Y-%m-%d}"
