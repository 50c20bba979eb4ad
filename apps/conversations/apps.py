from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ConversationsConfig(AppConfig):
    name = "apps.conversations"

    def ready(self) -> None:
        from apps.conversations import reviewing, searching  # the models can be imported only now
        from apps.conversations.attached import reviewing as pictures
        from apps.safety import reviewable

        post_migrate.connect(searching.prepare, sender=self, dispatch_uid="full text of messages")
        for kind in reviewing.KINDS:
            reviewable.register(kind, reviewing.MessageReviewable(kind))
        reviewable.register(pictures.KIND, pictures.AttachedReviewable())
