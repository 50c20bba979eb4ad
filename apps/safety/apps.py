from django.apps import AppConfig


class SafetyConfig(AppConfig):
    name = "apps.safety"

    def ready(self) -> None:
        from apps.lib import encrypted  # the models can be imported only now
        from apps.safety import audit, effects, reviewable, snapshot_keys, suspensions
        from apps.users import recording

        recording.register(audit.record)
        recording.register(effects.settle)
        reviewable.register(suspensions.KIND, suspensions.Accounts())
        encrypted.in_use.append(snapshot_keys.in_use)
