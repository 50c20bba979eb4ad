from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ConversationsConfig(AppConfig):
    name = "apps.conversations"

    def ready(self) -> None:
        from apps.conversations import reviewing, searching  # the models can be imported only now
        from apps.conversations.attached import reviewing as pictures
        from apps.conversations.gaps import BESIDE, cut_cited, fill
        from apps.documents import gaps
        from apps.safety import reviewable

        post_migrate.connect(searching.prepare, sender=self, dispatch_uid="full text of messages")
        for kind in reviewing.KINDS:
            reviewable.register(kind, reviewing.MessageReviewable(kind))
        gaps.beside[BESIDE] = gaps.Beside(cut_cited, fill)
        reviewable.register(pictures.KIND, pictures.AttachedReviewable())
