"""App configuration of generated pictures."""

from django.apps import AppConfig


class ImagesConfig(AppConfig):
    name = "apps.images"

    def ready(self) -> None:
        from apps.images.moderation import picture_cases  # models cannot be imported before ready()
        from apps.safety.moderation import reviewable

        reviewable.register_reviewable(picture_cases.KIND, picture_cases.PictureReviewable())
