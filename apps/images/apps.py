from django.apps import AppConfig


class ImagesConfig(AppConfig):
    name = "apps.images"

    def ready(self) -> None:
        from apps.images import reviewing  # the models can be imported only now
        from apps.safety import reviewable

        reviewable.register(reviewing.KIND, reviewing.PictureReviewable())
