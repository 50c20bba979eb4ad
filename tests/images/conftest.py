"""A house of pictures: the fake painter, known to the pages, and a bell that only notes who rang."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from celery import current_app
from django.conf import LazySettings

from apps.engines import registry
from apps.engines.image.fake import FakePainter
from apps.images.generation import model_info
from apps.images.models import TASK, Picture
from apps.images.requests import submission
from apps.safety.policy.verdicts import Verdict
from apps.users.models import User
from tests.images.draw_helper import drawn

FORBIDDEN = "the purple elephant password"  # what the check of these tests withholds: no hostile text is needed


class Strict:
    """Withholds one harmless phrase."""

    async def question(self, text: str, vector: object = None) -> Verdict:
        return Verdict(FORBIDDEN not in text, "phrase", "That is not drawn here.")


@pytest.fixture(autouse=True)
def _own_folder(settings: LazySettings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def painter(bells: list[str]) -> FakePainter:
    """What draws; the pages know it, because a worker described it."""
    model_info.refresh_model()
    return cast(FakePainter, registry.get_image_engine())


@pytest.fixture
def bells(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pictures for which the bell rang."""
    heard: list[str] = []

    def send(task: str, args: list[str], **_: Any) -> None:
        assert task == TASK
        heard.extend(args)

    monkeypatch.setattr(current_app, "send_task", send)
    return heard


@pytest.fixture
def strict(settings: LazySettings) -> None:
    settings.SAFETY_CHECK = f"{__name__}.Strict"


@pytest.fixture
def waiting(alice: User, painter: FakePainter) -> Picture:
    """One that Alice asked for."""
    return submission.request_pictures(alice, submission.PictureRequest("A red cat", seed=7))[0]


@pytest.fixture
def first(waiting: Picture) -> Picture:
    """That one, drawn."""
    return drawn(waiting)
