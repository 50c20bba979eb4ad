"""Fixtures of the picture engine tests."""

from __future__ import annotations

import pytest

from apps.engines.image.protocol import DrawRequest, DrawStep, ImageEngine
from tests.images import tiny_pipeline


@pytest.fixture(scope="session")
def diffusers_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the folder of a tiny pipeline of diffusers."""
    return tiny_pipeline.save(tmp_path_factory.mktemp("tiny"))


class Cancelled(Exception):
    """Error of a listener that cancels a drawing."""


def cancel_first_step(painter: ImageEngine, request: DrawRequest) -> list[int]:
    """Cancel the drawing at its first step, and return the steps that were reported. Fails unless the error arrives."""
    steps: list[int] = []

    def cancel(step: DrawStep) -> None:
        steps.append(step.step)
        raise Cancelled

    with pytest.raises(Cancelled):
        painter.draw(request, cancel)
    return steps
