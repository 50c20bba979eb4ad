from django.apps import AppConfig


class SafetyConfig(AppConfig):
    name = "apps.safety"

    def ready(self) -> None:
        from apps.lib import encrypted
        from apps.safety import audit, effects, snapshot_keys  # the models can be imported only now
        from apps.users import recording

        recording.register(audit.record)
        recording.register(effects.settle)
        encrypted.in_use.append(snapshot_keys.in_use)
