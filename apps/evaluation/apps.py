from django.apps import AppConfig


class EvaluationConfig(AppConfig):
    name = "apps.evaluation"

    def ready(self) -> None:
        from apps.documents.moderation import redaction
        from apps.evaluation import golden_gaps  # the models can be imported only now

        redaction.redaction_hooks[golden_gaps.BESIDE] = redaction.RedactionHook(golden_gaps.cut, golden_gaps.fill)
