"""App configuration: registers kinds of review cases and the redaction of citing answers."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ConversationsConfig(AppConfig):
    name = "apps.conversations"

    def ready(self) -> None:
        from apps.conversations.attachments import review as pictures
        from apps.conversations.core import model_servers
        from apps.conversations.history import full_text_search  # the models can be imported only now
        from apps.conversations.models.model_server import HelperServer, ModelServer
        from apps.conversations.moderation import message_cases
        from apps.conversations.moderation.message_redaction import CITING_ANSWERS, redact_citing_answers, restore
        from apps.documents.moderation import document_redaction
        from apps.engines import registry
        from apps.safety.models import snapshot_keys
        from apps.safety.moderation import reviewable

        registry.use_page_models(model_servers.load_page_models)
        snapshot_keys.encrypted_models.extend([ModelServer, HelperServer])
        post_migrate.connect(full_text_search.create_search_index, sender=self, dispatch_uid="full text of messages")
        for kind in message_cases.KINDS:
            reviewable.register_reviewable(kind, message_cases.MessageReviewable(kind))
        document_redaction.redaction_hooks[CITING_ANSWERS] = document_redaction.RedactionHook(
            redact_citing_answers, restore
        )
        reviewable.register_reviewable(pictures.CASE_KIND, pictures.AttachedReviewable())
