"""Moderate previews by the stage of finished pictures: each shown preview has a verdict on exactly its bytes."""

from __future__ import annotations

import time

from apps.engines import registry
from apps.images.models import Picture
from apps.safety.gate.pictures import blur_clause, check_picture
from apps.safety.models.strictness import parse_strictness
from apps.safety.models.verdict_log import Surface
from apps.safety.policy.evaluation import UNCHECKED
from apps.safety.verdict_log.recorder import use_surface


class PreviewModerator:
    """Moderator of the previews of one drawing.

    After one refusal it is `is_closed`: the finished picture will probably be held, so no further preview is shown.
    """

    def __init__(self, row: Picture) -> None:
        self._row = row
        self.is_closed = False
        self.verdict_s = 0.0  # seconds of the last verdict

    def allows(self, preview: bytes) -> bool:
        """Return whether the preview may be shown. Call only from threads that may use the database.

        Without a classifier the policy decides; if the classifier fails, the preview is refused.
        """
        if self.is_closed or not preview:
            return False
        started = time.monotonic()
        with use_surface(Surface.UNRECORDED):  # only the finished picture is counted
            row = self._row
            level = parse_strictness(row.level)
            verdict = check_picture(lambda: preview, row.prompt, level=level, pictogram=row.pictogram)
        self.verdict_s = time.monotonic() - started
        if verdict.code == UNCHECKED:
            return verdict.allowed and registry.get_image_classifier() is None
        self.is_closed = not verdict.allowed or bool(blur_clause(verdict))
        return not self.is_closed
