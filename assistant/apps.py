"""Django app of the project, last in INSTALLED_APPS."""

from django.apps import AppConfig


class AssistantConfig(AppConfig):
    """App that configures Celery once all apps are loaded."""

    name = "assistant"

    def ready(self) -> None:
        """Load the Celery application, so that tasks from any process go to the configured broker, not to Celery's
        default."""
        from assistant import celery  # noqa: F401
