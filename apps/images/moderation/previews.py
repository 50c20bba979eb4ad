"""Previews pass the stage that the finished picture passes: none is shown without a verdict on exactly its bytes."""

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
    """Of the previews of one drawing. Once it has refused one it is `closed`: what is drawn is then heading for
    something that people look at first, and nothing more of it is shown."""

    def __init__(self, row: Picture) -> None:
        self._row = row
        self.closed = False
        self.took_s = 0.0  # for the last one

    def lets(self, preview: bytes) -> bool:
        """Whether it may be seen. Without a classifier the policy says so; where there is one that cannot look now, it
        may not. Only for threads that may use the database."""
        if self.closed or not preview:
            return False
        began = time.monotonic()
        with use_surface(Surface.NOWHERE):  # what counts is the finished picture
            row = self._row
            level = parse_strictness(row.level)
            verdict = check_picture(lambda: preview, row.prompt, level=level, pictogram=row.pictogram)
        self.took_s = time.monotonic() - began
        if verdict.rule == UNCHECKED:
            return verdict.allowed and registry.get_image_classifier() is None
        self.closed = not verdict.allowed or bool(blur_clause(verdict))
        return not self.closed
