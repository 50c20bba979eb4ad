"""Tests that damaged segments are never read, and that killed writers leave none."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from apps.engines.index.local import lexical_index, segment_files
from apps.engines.index.local.engine import LocalIndex
from apps.engines.types import EngineBroken, EngineUnavailable, IndexQuery, SegmentInfo
from apps.lib.text import message_templates
from tests.engines.index.sample_entries import units, write
from tests.support.tiny_disk import tiny_disk

TEXTS = [f"passage number {number} about foxes" for number in range(64)]
KILLS = 50

WRITERS = """
import os, random, signal, sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from apps.engines.index.local import segment_files
from apps.engines.index.local.engine import LocalIndex
from tests.engines.index.sample_entries import write
segment_files._MEMORY = Path({memory!r})
import faiss, tantivy  # loaded before the forks, which are quick then
chance = random.Random(11)
def start():
    child = os.fork()
    if child == 0:
        write(LocalIndex({directory!r}), {texts!r})
        os._exit(0)
    return child
began = time.monotonic()
os.waitpid(start(), 0)
whole = time.monotonic() - began
for _ in range({kills}):
    child = start()
    time.sleep(chance.random() * 1.2 * whole)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder in memory where small segments are made first."""
    path = tmp_path / "memory"
    path.mkdir()
    monkeypatch.setattr(segment_files, "_MEMORY", path)
    return path


def _file(folder: Path, segment: SegmentInfo, name: str) -> Path:
    return max((folder / segment.collection / segment.id).rglob(name), key=lambda path: path.stat().st_size)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[random.Random(7).randrange(len(content))] ^= 1
    path.write_bytes(content)


def _truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def _zero_a_page(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(min(4096, path.stat().st_size)))


def _remove(path: Path) -> None:
    path.unlink()


def _swap_for_another(path: Path) -> None:
    shutil.copy(path, path.with_name(f"copy{path.suffix}"))


@pytest.mark.parametrize(
    "name", ["vectors.faiss", "ids.npy", "manifest.json", "*.term", "*.idx", "*.fast", "meta.json"]
)
@pytest.mark.parametrize("damage", [_flip, _truncate, _zero_a_page, _remove, _swap_for_another])
def test_a_damaged_file_is_named_and_never_loaded(folder: Path, name: str, damage: Callable[[Path], None]) -> None:
    segment = write(LocalIndex(str(folder)), TEXTS)
    damage(_file(folder, segment, name))
    index = LocalIndex(str(folder))

    with pytest.raises(EngineBroken, match=segment.id):
        index.search([segment], IndexQuery("fox", units(1)[0]))
    assert not index.verify(segment)


def test_damage_after_the_first_check_is_seen_when_the_segment_is_opened_again(folder: Path) -> None:
    index = LocalIndex(str(folder), open_at_most=1)
    segment, other = write(index, TEXTS), write(index, TEXTS, first=100)
    query = IndexQuery("fox", units(1)[0])
    index.search([segment], query)
    index.search([other], query)  # closes the first

    _flip(_file(folder, segment, "vectors.faiss"))

    with pytest.raises(EngineBroken, match=segment.id):
        index.search([segment], query)


def test_a_segment_of_another_format_is_refused_with_the_way_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment_files, "FORMAT", segment_files.FORMAT - 1)
    segment = write(LocalIndex(str(folder)), TEXTS)
    monkeypatch.undo()

    with pytest.raises(EngineBroken, match=r"another version \(format \d+, .*manage.py reindex"):
        LocalIndex(str(folder)).search([segment], IndexQuery("foxes", units(1)[0]))


def test_a_full_disk_leaves_no_half_segment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = LocalIndex(str(folder))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("apps.lib.disk_space.sync_path", full)
    with pytest.raises(Exception, match="No space left on device") as caught:
        write(index, TEXTS)

    assert getattr(caught.value, "retry", False)
    assert [path for path in folder.rglob("*") if path.is_file()] == []


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_leaves_whole_segments_or_rubbish_to_sweep(folder: Path, memory: Path) -> None:
    names = {"directory": str(folder), "memory": str(memory)}
    script = WRITERS.format(root=str(settings.BASE_DIR), texts=TEXTS, kills=KILLS, **names)
    subprocess.run([sys.executable, "-c", script], cwd=settings.BASE_DIR, check=True)

    index = LocalIndex(str(folder))
    half_written = list(folder.glob(".writing/*"))
    in_place = list(folder.glob("[0-9a-f]*/*"))
    for path in in_place:
        info = _described(path)
        assert index.verify(info)
        assert index.search([info], IndexQuery("foxes", units(1)[0])).candidates
    assert half_written  # some were killed while they wrote, or the test shows nothing
    assert list(memory.iterdir())
    assert in_place
    assert index.sweep([], older_than_s=0) == len(half_written) + len(in_place)
    assert [path for path in folder.rglob("*") if path.is_file()] == []
    assert list(memory.iterdir()) == []


def test_words_of_a_few_are_made_in_memory_and_nothing_stays_there(folder: Path, memory: Path) -> None:
    os.utime(memory, (0, 0))
    index = LocalIndex(str(folder))
    info = write(index, TEXTS)
    assert memory.stat().st_mtime_ns and list(memory.iterdir()) == []
    assert index.verify(info)
    assert index.search([info], IndexQuery("number 17", units(1)[0])).candidates


@pytest.mark.parametrize("most", [0, 1 << 60])
def test_word_index_is_built_on_disk_without_room_in_memory(
    folder: Path, memory: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Lack of memory may show before writing or during it."""
    monkeypatch.setattr(segment_files, "_FREE_BYTES", most)
    monkeypatch.setattr(lexical_index.log, "info", lambda *_: said.append(_))
    said: list[object] = []
    with tiny_disk(memory / "tiny", 16) as tiny:
        monkeypatch.setattr(segment_files, "_MEMORY", tiny.path)
        index = LocalIndex(str(folder))
        info = write(index, TEXTS)
        assert index.search([info], IndexQuery("number 17", units(1)[0])).candidates
        assert list(tiny.path.iterdir()) == []
    assert len(said) == (most == 0)


def test_memory_sweep_removes_only_folders_of_ended_writers(memory: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    theirs, ours = (memory / f"{segment_files._ours()}{pid}-a" for pid in (int(ended.stdout), os.getpid()))
    unknown = memory / f"openbook-words-1-{int(ended.stdout)}-a"  # of a container that counts by itself
    other = memory / f"{int(ended.stdout)}-a"
    everything = (theirs, ours, unknown, other)
    for path in everything:
        path.mkdir()
    segment_files.sweep_memory(3600)
    assert set(memory.iterdir()) == {*everything}
    for path in everything:
        os.utime(path, (0, time.time() - 61))
    segment_files.sweep_memory(3600)
    assert set(memory.iterdir()) == {ours, unknown, other}
    os.utime(unknown, (0, time.time() - 3601))
    segment_files.sweep_memory(3600)
    assert set(memory.iterdir()) == {ours, other}


def test_a_disk_that_refuses_rights_and_times_takes_segments(
    folder: Path, memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    index = LocalIndex(str(folder))
    for name in ("chmod", "utime"):
        monkeypatch.setattr(os, name, refused)
    info = write(index, TEXTS)
    assert index.verify(info) and index.search([info], IndexQuery("number 17", units(1)[0])).candidates


def test_a_full_disk_is_told_of_words_that_were_made_in_memory(folder: Path, memory: Path) -> None:
    with tiny_disk(folder, 40) as tiny:
        with pytest.raises(EngineUnavailable, match="No space left on device") as told:
            write(LocalIndex(str(tiny.path / "index")), TEXTS)
        assert "/" not in str(told.value) and message_templates.match_template(str(told.value)[:400])


def _described(path: Path) -> SegmentInfo:
    from hashlib import sha256

    checksum = sha256((path / "manifest.json").read_bytes()).hexdigest()
    return SegmentInfo(path.name, path.parent.name, len(TEXTS), 16, "tests", "flat", checksum, 0)
