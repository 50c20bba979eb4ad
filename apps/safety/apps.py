from django.apps import AppConfig


class SafetyConfig(AppConfig):
    name = "apps.safety"

    def ready(self) -> None:
        from apps.safety import audit, effects  # the models can be imported only now
        from apps.users import recording

        recording.register(audit.record)
        recording.register(effects.settle)
