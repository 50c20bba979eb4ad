from django.apps import AppConfig


class DocumentsConfig(AppConfig):
    name = "apps.documents"

    def ready(self) -> None:
        from apps.documents import reviewing  # the models can be imported only now
        from apps.safety import reviewable

        reviewable.register(reviewing.KIND, reviewing.DocumentReviewable())
