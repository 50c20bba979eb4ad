"""App of safety: registers its hooks in other apps."""

from django.apps import AppConfig


class SafetyConfig(AppConfig):
    name = "apps.safety"

    def ready(self) -> None:
        from allauth.mfa.models import Authenticator  # models cannot be imported earlier

        from apps.lib.db import encrypted_fields
        from apps.safety.audit_log import audit
        from apps.safety.models import snapshot_keys
        from apps.safety.moderation import account_suspensions, enforcement, reviewable
        from apps.users import audit_hook

        audit_hook.register_recorder(audit.record_event)
        audit_hook.register_recorder(enforcement.settle_reinstatement)
        reviewable.register_reviewable(account_suspensions.KIND, account_suspensions.AccountReviewable())
        snapshot_keys.encrypted_json[Authenticator] = ("data", ("secret", "seed"))
        encrypted_fields.in_use.append(snapshot_keys.has_encrypted_texts)
