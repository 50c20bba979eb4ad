from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ConversationsConfig(AppConfig):
    name = "apps.conversations"

    def ready(self) -> None:
        from apps.conversations.attachments import review as pictures
        from apps.conversations.history import full_text_search  # the models can be imported only now
        from apps.conversations.moderation import cases
        from apps.conversations.moderation.redaction import BESIDE, cut_cited, fill
        from apps.documents import gaps
        from apps.safety import reviewable

        post_migrate.connect(full_text_search.prepare, sender=self, dispatch_uid="full text of messages")
        for kind in cases.KINDS:
            reviewable.register(kind, cases.MessageReviewable(kind))
        gaps.beside[BESIDE] = gaps.Beside(cut_cited, fill)
        reviewable.register(pictures.KIND, pictures.AttachedReviewable())
