"""An index that the configured embedding model cannot search stops the start, with the way out."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest

from assistant.boot import site_setup
from assistant.boot.errors import BootError, ExitCode
from assistant.boot.layout import PYTHON, ROOT, Layout
from tests.support import prepared_site

pytestmark = pytest.mark.process

FAKE = ("fake-bag-of-words-64", 64)
FILL = """
from uuid import uuid4
from apps.documents.models import Collection, Segment
from apps.users.models import User
alice = User.objects.create_user("alice", password="x")
for name in ("Handbook", "Letters"):
    place = Collection.objects.create(owner=alice, name=name)
    Segment.objects.create(id=uuid4(), collection=place, count=1, dimension=64, fingerprint="fake-bag-of-words-64",
                           kind="flat", checksum="0" * 64, size_bytes=1)
"""


@pytest.fixture(scope="module")
def site_there(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        there = configured(folder, patch)
        prepared_site.copy_site(there)
        subprocess.run([str(PYTHON), "manage.py", "shell", "-v0", "-c", FILL], cwd=ROOT, env=os.environ, check=True)
        site_setup.prepare_site(Layout.read())
    return folder


@pytest.fixture
def layout(site_there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A site with two collections that was started before."""
    shutil.copytree(site_there, tmp_path / "data")
    return configured(tmp_path / "data", monkeypatch)


def configured(data: Path, patch: pytest.MonkeyPatch) -> Layout:
    for name in ("DATABASE_URL", "EMBED_MODEL", "EMBED_MORE", "INDEX_BACKEND"):
        patch.delenv(name, raising=False)
    patch.setenv("EMBED_BACKEND", "apps.engines.embed.fake.FakeEmbedder")
    patch.setenv("DATA_DIR", str(data))
    return Layout.read()


def change(layout: Layout, assignment: str, name: str = "%") -> None:
    with sqlite3.connect(layout.data / "openbook.sqlite3") as base:
        base.execute(
            f"UPDATE documents_segment SET {assignment} WHERE collection_id IN "  # noqa: S608
            "(SELECT id FROM documents_collection WHERE name LIKE ?)",
            (name,),
        )


@pytest.mark.parametrize(
    "foreign", ["fingerprint = 'other-model-384'", pytest.param("dimension = 384", marks=pytest.mark.slow)]
)
def test_a_foreign_index_is_refused_with_the_way_out_until_it_fits(layout: Layout, foreign: str) -> None:
    change(layout, foreign)

    for _ in range(2):  # the second start is no better than the first
        with pytest.raises(BootError, match="another embedding model") as caught:
            site_setup.prepare_site(layout)
        assert caught.value.code == ExitCode.CONFIGURATION
        assert "384" in str(caught.value)
        assert "EMBED_MODEL" in str(caught.value)
        assert "manage.py reindex" in str(caught.value)

    change(layout, "fingerprint = '{}', dimension = {}".format(*FAKE))
    site_setup.prepare_site(layout)


@pytest.mark.slow
def test_collection_of_another_embedder_is_named_at_each_start(
    layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    change(layout, "fingerprint = 'other-model-384'", "Letters")

    for _ in range(2):
        site_setup.prepare_site(layout)
        said = capsys.readouterr().out
        assert "not searched: Letters" in said
        assert "manage.py reindex" in said


def test_compared_index_fingerprints_are_not_compared_again(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: Any) -> str:
        raise AssertionError("nothing has changed")

    monkeypatch.setattr(site_setup, "run_manage", asked)
    site_setup.prepare_site(layout)
    monkeypatch.setenv("EMBED_MODEL", "another")
    with pytest.raises(AssertionError):
        site_setup.prepare_site(layout)
