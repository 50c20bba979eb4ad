"""Fixtures of the picture engine tests."""

from __future__ import annotations

import pytest

from tests.images import tiny_pipeline


@pytest.fixture(scope="session")
def diffusers_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the folder of a tiny pipeline of diffusers."""
    return tiny_pipeline.save(tmp_path_factory.mktemp("tiny"))
