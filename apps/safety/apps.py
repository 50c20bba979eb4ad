from django.apps import AppConfig


class SafetyConfig(AppConfig):
    name = "apps.safety"

    def ready(self) -> None:
        from apps.safety import audit
        from apps.users import recording

        recording.register(audit.record)
