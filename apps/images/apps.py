from django.apps import AppConfig


class ImagesConfig(AppConfig):
    name = "apps.images"

    def ready(self) -> None:
        from apps.images.moderation import cases  # the models can be imported only now
        from apps.safety.moderation import reviewable

        reviewable.register_reviewable(cases.KIND, cases.PictureReviewable())
