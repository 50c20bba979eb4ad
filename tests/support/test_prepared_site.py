"""Tables and static files that are made once and copied are those that migrating and collecting make."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection

from apps.safety.audit_log import audit
from tests.support import prepared_site


def schema(path: Path) -> set[tuple[str, ...]]:
    with closing(sqlite3.connect(path)) as base:
        return set(base.execute("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master"))


def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of this run if there is one, so that nothing is made again."""
    kept = Path(os.environ.get("TEST_MIGRATED") or tmp_path / "kept")
    monkeypatch.setenv("TEST_MIGRATED", str(kept))
    return kept


def test_without_a_folder_everybody_makes_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_MIGRATED", raising=False)
    assert not prepared_site.copy_tables(tmp_path) and not prepared_site.copy_static(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "sqlite", reason="compares files of SQLite")
def test_copies_are_made_of_one_and_hold_what_migrating_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = folder(tmp_path, monkeypatch)
    assert prepared_site.copy_tables(tmp_path / "one")
    made = (kept / prepared_site.NAME).stat()
    assert prepared_site.copy_tables(tmp_path / "two")
    after = (kept / prepared_site.NAME).stat()
    assert (made.st_ino, made.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    audit.install_triggers()  # a test with transactions of its own leaves the log without a trigger
    with connection.cursor() as cursor:
        cursor.execute("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master")
        ours = set(cursor.fetchall())
    assert schema(tmp_path / "two" / prepared_site.NAME) == ours
    with closing(sqlite3.connect(tmp_path / "two" / prepared_site.NAME)) as base:
        assert base.execute("SELECT count(*) FROM users_user").fetchone() == (0,)
        assert base.execute("SELECT count(*) FROM django_migrations").fetchone()[0] > 100


def test_static_files_are_collected_once_and_have_the_names_that_a_site_sends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, names = folder(tmp_path, monkeypatch), []
    for name in ("one", "two"):
        assert prepared_site.copy_static(tmp_path / name)
        names.append(json.loads((tmp_path / name / "static" / "staticfiles.json").read_text())["paths"])
        monkeypatch.setattr(prepared_site, "COLLECT", ("collectstatic", "--not-again"))
    script = "js/pages/chat.js"
    assert names[0] == names[1] and script in names[0] and names[0][script] != script
    for shown in names[1].values():
        assert (tmp_path / "two" / "static" / shown).read_bytes() == (kept / "static" / shown).read_bytes()
