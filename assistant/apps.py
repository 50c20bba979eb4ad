from django.apps import AppConfig


class AssistantConfig(AppConfig):
    name = "assistant"

    def ready(self) -> None:
        """All apps are loaded. Tasks rung from any process go to our broker, not to Celery's default."""
        from assistant import celery  # noqa: F401
