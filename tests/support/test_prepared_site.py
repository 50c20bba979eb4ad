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


def test_static_files_are_not_copied_without_a_prepared_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_STATIC", raising=False)
    assert not prepared_site.copy_static(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_migration_that_has_changed_gives_another_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stamp = prepared_site.stamp_migrations.__wrapped__
    ours = stamp()
    monkeypatch.setattr(prepared_site, "ROOT", tmp_path)
    monkeypatch.setattr(prepared_site, "BESIDE", ())
    folder = tmp_path / "apps" / "users" / "migrations"
    folder.mkdir(parents=True)
    stamps = []
    for text in ("", "# changed"):
        (folder / "0001_initial.py").write_text(text)
        stamps.append(stamp())
    assert len({ours, *stamps}) == 3


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "sqlite", reason="compares files of SQLite")
def test_copies_are_made_of_one_and_hold_what_migrating_makes(tmp_path: Path) -> None:
    kept = prepared_site.TABLES / prepared_site.stamp_migrations() / prepared_site.NAME
    made = kept.stat()
    prepared_site.copy_tables(tmp_path)
    after = kept.stat()
    assert (made.st_ino, made.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    audit.install_triggers()  # a test with transactions of its own leaves the log without a trigger
    with connection.cursor() as cursor:
        cursor.execute("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master")
        ours = set(cursor.fetchall())
    assert schema(tmp_path / prepared_site.NAME) == ours
    with closing(sqlite3.connect(tmp_path / prepared_site.NAME)) as base:
        assert base.execute("SELECT count(*) FROM users_user").fetchone() == (0,)
        assert base.execute("SELECT count(*) FROM django_migrations").fetchone()[0] > 100


def test_static_files_are_collected_once_and_have_the_names_that_a_site_sends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, names = Path(os.environ.get("TEST_STATIC") or tmp_path / "kept"), []
    monkeypatch.setenv("TEST_STATIC", str(kept))  # that of this run if there is one, so that nothing is made again
    for name in ("one", "two"):
        assert prepared_site.copy_static(tmp_path / name)
        names.append(json.loads((tmp_path / name / "static" / "staticfiles.json").read_text())["paths"])
        monkeypatch.setattr(prepared_site, "COLLECT", ("collectstatic", "--not-again"))
    script = "js/pages/chat.js"
    assert names[0] == names[1] and script in names[0] and names[0][script] != script
    for shown in names[1].values():
        assert (tmp_path / "two" / "static" / shown).read_bytes() == (kept / "static" / shown).read_bytes()
