from django.apps import AppConfig


class SafetyConfig(AppConfig):
    name = "apps.safety"

    def ready(self) -> None:
        from apps.lib import encrypted  # the models can be imported only now
        from apps.safety.audit_log import audit
        from apps.safety.models import snapshot_keys
        from apps.safety.moderation import account_suspensions, enforcement, reviewable
        from apps.users import recording

        recording.register(audit.record_event)
        recording.register(enforcement.settle_reinstatement)
        reviewable.register_reviewable(account_suspensions.KIND, account_suspensions.AccountReviewable())
        encrypted.in_use.append(snapshot_keys.has_encrypted_texts)
