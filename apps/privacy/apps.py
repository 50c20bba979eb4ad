"""App configuration of data exports, erasure, retention and legal holds."""

from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    name = "apps.privacy"
