"""App configuration of the administration pages."""

from django.apps import AppConfig


class AdministrationConfig(AppConfig):
    name = "apps.administration"
