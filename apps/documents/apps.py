from django.apps import AppConfig


class DocumentsConfig(AppConfig):
    name = "apps.documents"

    def ready(self) -> None:
        from apps.documents.moderation import review  # the models can be imported only now
        from apps.safety.moderation import reviewable

        reviewable.register_reviewable(review.KIND, review.DocumentReviewable())
