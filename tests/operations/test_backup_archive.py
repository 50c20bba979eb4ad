"""Damaged, hostile or incompatible archives are refused before anything is restored."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from pytest_django import Settings

from apps.documents.ingestion.worker import get_heartbeat_file
from apps.operations.backups import creation, restore, status
from apps.operations.backups.archive import MANIFEST, ArchiveWriter, Content, Manifest, read_manifest, unpack
from apps.operations.backups.database_dump import check_migrations
from apps.operations.backups.errors import BackupError, BackupRunning
from apps.users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_keys(settings: Settings, tmp_path: Path) -> None:
    settings.SNAPSHOT_KEYS, settings.BACKUP_DIR = tmp_path / "snapshot_keys", tmp_path / "backups"


def build(path: Path, change: Callable[[Manifest], Manifest] = lambda manifest: manifest) -> Path:
    """Write an archive with a database of nonsense and two files."""
    manifest = Manifest("0.0.1", connection.vendor, "2026-01-01T00:00:00+00:00", {}, {"users": 1})
    parts = {manifest.database: b"rows" * 1000, "files/documents/a": b"A" * 3000, "files/documents/b": b"B" * 3000}
    folder = path.parent / "parts"
    with path.open("wb") as file:
        writer = ArchiveWriter(file)
        for name, content in parts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
            assert writer.add(name, folder / name)
        writer.finish(change(replace(manifest, members=dict(writer.members))))
    return path


def refuse(path: Path, settings: Settings, keys: Path | None = None) -> str:
    """Return the error of restoring the archive. Nothing may have been restored."""
    data = Path(settings.DATA_DIR)
    with pytest.raises(BackupError) as caught:
        restore.restore_backup(path, keys, print)
    assert not (data / "files").exists() and not Path(settings.SNAPSHOT_KEYS).exists()
    assert list(data.glob(f"{restore.PREFIX}*")) == []
    return str(caught.value)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the database inside is one of SQLite")
def test_a_database_that_is_none_is_refused_before_anything_is_replaced(tmp_path: Path, settings: Settings) -> None:
    told = refuse(build(tmp_path / "a.tar"), settings)
    assert "cannot be read, so nothing was changed" in told and told.endswith(".")
    with pytest.raises(BackupError, match="cannot be read"):
        restore.replace_database(tmp_path / "a.tar", print)
    assert connection.introspection.table_names() and not (Path(settings.DATA_DIR) / restore.UNFINISHED).exists()


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 100_000,
        b"{}",
        b"\xff\xfe",
        b'{"format": 1, "members": {"database.sqlite3": {"size": Infinity, "sha256": ""}}}',
        b'{"format": 1, "version": "1", "engine": "sqlite", "made": "", "migrations": [], "rows": {}, "members": {}}',
    ],
    ids=["deep", "empty", "no text", "endless", "lists"],
)
def test_a_hostile_list_of_contents_is_refused_by_a_sentence(tmp_path: Path, settings: Settings, text: bytes) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        last = tarfile.TarInfo(MANIFEST)
        last.size = len(text)
        tar.addfile(last, io.BytesIO(text))
    assert "is damaged" in refuse(tmp_path / "a.tar", settings)


def test_a_version_of_any_length_is_compared(tmp_path: Path, settings: Settings) -> None:
    path = build(tmp_path / "a.tar", lambda manifest: replace(manifest, version="9" * 5000))
    assert "Install the newer version first" in refuse(path, settings)


def test_members_whose_headers_nest_or_say_nonsense_are_refused(tmp_path: Path, settings: Settings) -> None:
    nested = tarfile.TarInfo("././@LongLink")
    nested.type, nested.size = tarfile.GNUTYPE_LONGNAME, 1
    (tmp_path / "nested.tar").write_bytes((nested.tobuf(tarfile.GNU_FORMAT) + b"a" + bytes(511)) * 5000)
    assert "is damaged" in refuse(tmp_path / "nested.tar", settings)
    sparse = tarfile.TarInfo("files/a")
    sparse.pax_headers = {"GNU.sparse.map": "0,a", "GNU.sparse.size": "1", "GNU.sparse.name": "files/a"}
    (tmp_path / "sparse.tar").write_bytes(sparse.tobuf(tarfile.PAX_FORMAT) + bytes(1024))
    assert "is damaged" in refuse(tmp_path / "sparse.tar", settings)


def test_keys_of_the_audit_log_that_are_none_are_refused_before_anything_is_replaced(
    tmp_path: Path, settings: Settings
) -> None:
    keys = tmp_path / "audit_keys"
    keys.write_text("no key\n")
    with pytest.raises(BackupError, match="holds a line that is no key"):
        restore._check_audit_keys(tmp_path / "a.tar", keys)


def test_a_changed_byte_is_found(tmp_path: Path, settings: Settings) -> None:
    path = build(tmp_path / "a.tar")
    content = path.read_bytes()
    path.write_bytes(content.replace(b"BBBBBBBB", b"BBBBBBBC", 1))
    assert "is damaged: files/documents/b differs" in refuse(path, settings)


@pytest.mark.parametrize("kept", [0, 100, 3000, 8192, 12_000, -11_000])
def test_a_truncated_archive_is_found(tmp_path: Path, settings: Settings, kept: int) -> None:
    path = build(tmp_path / "a.tar")
    path.write_bytes(path.read_bytes()[:kept])
    told = refuse(path, settings)
    assert "is damaged" in told or "is incomplete" in told


def test_restore_refuses_a_file_that_is_no_backup(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "a.tar").write_bytes(os.urandom(20_000))
    assert "not a backup of Openbook" in refuse(tmp_path / "a.tar", settings)
    assert "No such file" in refuse(tmp_path / "nothing.tar", settings)


def test_a_member_that_is_missing_is_found(tmp_path: Path, settings: Settings) -> None:
    def add(manifest: Manifest) -> Manifest:
        return replace(manifest, members={**manifest.members, "files/c": Content(1, "0" * 64)})

    assert "files/c is missing" in refuse(build(tmp_path / "a.tar", add), settings)


def test_a_backup_of_a_newer_version_is_refused(tmp_path: Path, settings: Settings) -> None:
    path = build(tmp_path / "a.tar", lambda manifest: replace(manifest, version="99.0.0"))
    assert "made by Openbook 99.0.0" in refuse(path, settings)


def test_a_backup_with_an_unknown_migration_is_refused(tmp_path: Path, settings: Settings) -> None:
    path = build(tmp_path / "a.tar", lambda manifest: replace(manifest, migrations={"users": "9999_later"}))
    assert "does not know the migration users.9999_later" in refuse(path, settings)


def test_a_backup_from_before_the_squashed_migrations_is_refused_unless_it_had_all_of_them(
    tmp_path: Path, settings: Settings
) -> None:
    former = MigrationLoader(None).disk_migrations["users", "0001_squashed_0018_notice_of_a_reading"].replaces
    path = build(tmp_path / "a.tar", lambda manifest: replace(manifest, migrations=dict(former[-2:-1])))
    assert "made by an older version" in refuse(path, settings)
    check_migrations(replace(read_manifest(path), migrations=dict(former[-1:])))


def test_a_backup_of_another_kind_of_database_is_refused(tmp_path: Path, settings: Settings) -> None:
    other = "postgresql" if connection.vendor == "sqlite" else "sqlite"

    def change(manifest: Manifest) -> Manifest:
        changed = replace(manifest, engine=other)
        return replace(changed, members={**manifest.members, changed.database: Content(0, "0" * 64)})

    assert f"holds a database of {other}" in refuse(build(tmp_path / "a.tar", change), settings)


def hostile(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


@pytest.mark.parametrize(
    "member",
    [
        hostile("/etc/openbook"),
        hostile("files/../../outside"),
        hostile("../outside"),
        hostile("elsewhere"),
        hostile("files"),
        hostile("files//a"),
        hostile("files/link", tarfile.SYMTYPE, "/etc"),
        hostile("files/link", tarfile.LNKTYPE, "files/documents/a"),
        hostile("files/device", tarfile.CHRTYPE),
        hostile("files/pipe", tarfile.FIFOTYPE),
        hostile("files/folder", tarfile.DIRTYPE),
    ],
    ids=lambda member: f"{member.name}-{member.type.decode()}",
)
def test_members_that_lead_outside_and_links_and_devices_are_refused(tmp_path: Path, member: tarfile.TarInfo) -> None:
    """Check members that the manifest names as well."""
    manifest = read_manifest(build(tmp_path / "plain.tar"))
    empty = Content(0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    listed = replace(manifest, members={member.name: empty, manifest.database: empty})
    text = json.dumps(asdict(listed)).encode()
    path, target = tmp_path / "hostile.tar", tmp_path / "target"
    with tarfile.open(path, "w") as tar:
        tar.addfile(member)
        last = tarfile.TarInfo(MANIFEST)
        last.size = len(text)
        tar.addfile(last, io.BytesIO(text))
    with pytest.raises(BackupError, match="is refused"):
        unpack(path, read_manifest(path), target)
    assert not target.exists()


def test_a_member_that_the_list_of_contents_does_not_name_is_refused(tmp_path: Path, settings: Settings) -> None:
    def forget(manifest: Manifest) -> Manifest:
        return replace(manifest, members={k: v for k, v in manifest.members.items() if not k.endswith("b")})

    assert "does not name files/documents/b" in refuse(build(tmp_path / "a.tar", forget), settings)


def test_restore_is_refused_where_accounts_exist(tmp_path: Path, settings: Settings, alice: User) -> None:
    assert "already contains accounts" in refuse(build(tmp_path / "a.tar"), settings)
    assert User.objects.get() == alice


def test_restore_is_refused_where_files_exist(tmp_path: Path, settings: Settings) -> None:
    path, file = build(tmp_path / "a.tar"), Path(settings.MEDIA_ROOT) / "documents" / "mine"
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    with pytest.raises(BackupError, match=r"There are already files, such as .*mine"):
        restore.restore_backup(path, None, print)
    assert [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()] == [file]


def test_restore_is_refused_while_a_worker_runs(tmp_path: Path, settings: Settings) -> None:
    get_heartbeat_file().touch()
    assert "Openbook is running" in refuse(build(tmp_path / "a.tar"), settings)


@pytest.mark.parametrize(
    "content", ["", "not a key\n", f"{Fernet.generate_key().decode()}\nhalf\n"], ids=["empty", "text", "half"]
)
def test_a_file_that_holds_no_keys_is_refused(tmp_path: Path, settings: Settings, content: str) -> None:
    keys = tmp_path / "keys"
    keys.write_text(content)
    assert "is not a file of keys" in refuse(build(tmp_path / "a.tar"), settings, keys)
    assert "No such file" in refuse(build(tmp_path / "a.tar"), settings, tmp_path / "none")


def test_backups_are_not_made_two_at_once(tmp_path: Path) -> None:
    with (
        creation.hold_backup_lock(),
        pytest.raises(BackupRunning, match="Another backup or restore is running"),
        creation.hold_backup_lock(),
    ):
        pass
    with creation.hold_backup_lock():
        pass


def test_a_file_that_is_deleted_while_others_are_copied_is_left_out(tmp_path: Path) -> None:
    with (tmp_path / "a.tar").open("wb") as file:
        writer = ArchiveWriter(file)
        assert writer.add("files/gone", tmp_path / "gone") is False
        assert writer.members == {}


def test_an_archive_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_text("precious")
    with pytest.raises(BackupError, match="already exists"):
        creation.make_backup(tmp_path / "a.tar")
    assert (tmp_path / "a.tar").read_text() == "precious"
    assert status.read_status() == {}
