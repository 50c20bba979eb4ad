"""Django app of documents."""

from django.apps import AppConfig


class DocumentsConfig(AppConfig):
    """App configuration that registers documents for review."""

    name = "apps.documents"

    def ready(self) -> None:
        from apps.documents.moderation import review  # imported here, because models are not loaded before
        from apps.safety.moderation import reviewable

        reviewable.register_reviewable(review.KIND, review.DocumentReviewable())
