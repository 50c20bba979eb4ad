from django.apps import AppConfig


class EvaluationConfig(AppConfig):
    name = "apps.evaluation"

    def ready(self) -> None:
        from apps.documents import gaps
        from apps.evaluation import golden_gaps  # the models can be imported only now

        gaps.beside[golden_gaps.BESIDE] = gaps.Beside(golden_gaps.cut, golden_gaps.fill)
