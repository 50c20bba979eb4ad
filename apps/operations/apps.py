"""App configuration of set-up, the Doctor, health checks, settings and backups."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "apps.operations"
