"""The file that says that a worker lives says so only while it does all of its work."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.documents.indexing import index_maintenance
from apps.documents.ingestion import worker
from apps.documents.jobs import ingest_job
from apps.lib import disk_space

# Threads end here by an exception: the sweep by its defect, the others at the end of a test.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


class Defect(Exception):
    """What nobody has foreseen."""


@pytest.fixture
def sign(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setattr(worker, "get_heartbeat_file", lambda: tmp_path / "worker.alive")
    monkeypatch.setattr(worker, "HEARTBEAT_S", 0.02)
    monkeypatch.setattr(worker, "SWEEP_S", 0.02)
    monkeypatch.setattr(ingest_job, "renew_held_leases", lambda: None)
    stop = threading.Event()
    real = worker._repeat

    def until_the_test_ends(seconds: float, work: object) -> None:
        def once() -> None:
            if stop.is_set():
                raise SystemExit
            work()  # type: ignore[operator]

        real(seconds, once)

    monkeypatch.setattr(worker, "_repeat", until_the_test_ends)
    yield tmp_path / "worker.alive"
    stop.set()
    for thread in worker._threads:
        thread.join(60)
    worker._threads.clear()


def signed_again(sign: Path, within_s: float = 30.0) -> bool:
    """Whether the sign comes again once it was taken away."""
    sign.unlink(missing_ok=True)
    waiting = threading.Event()
    for _ in range(int(within_s / 0.02)):
        if sign.exists():
            return True
        waiting.wait(0.02)
    return False


def test_a_worker_that_sweeps_signs_again_and_again(sign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_run_periodic_jobs", lambda: None)
    worker._start()
    assert signed_again(sign) and signed_again(sign)


def test_a_defect_of_one_job_ends_neither_the_sweep_nor_the_other_jobs(
    sign: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ran: list[str] = []

    def broken() -> None:
        raise Defect("what nobody has foreseen")

    def well() -> None:
        ran.append("well")

    monkeypatch.setattr(disk_space, "create_reserve", broken)
    monkeypatch.setattr(index_maintenance, "maintain_indexes", broken)
    monkeypatch.setattr(worker, "sweep", broken)
    monkeypatch.setattr(worker, "remove_orphans", well)
    monkeypatch.setattr(worker, "periodic_jobs", [broken, well])
    with caplog.at_level(logging.ERROR):
        worker._start()
        for _ in range(1500):
            if len(ran) > 5:
                break
            threading.Event().wait(0.02)
    assert len(ran) > 5 and all(thread.is_alive() for thread in worker._threads)
    assert "what nobody has foreseen" in caplog.text and any(record.exc_info for record in caplog.records)
    assert signed_again(sign)


def test_leases_that_cannot_be_renewed_end_no_pulse(sign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise Defect

    monkeypatch.setattr(worker, "_run_periodic_jobs", lambda: None)
    monkeypatch.setattr(ingest_job, "renew_held_leases", broken)
    worker._start()
    assert signed_again(sign) and signed_again(sign)
