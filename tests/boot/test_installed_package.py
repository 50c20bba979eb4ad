"""Openbook as a package: `uvx --from . openbook` runs the same start, with data in the user's data directory."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from apps.lib.ports import find_free_port
from assistant.boot import packages
from tests.boot.clones import Clone

pytestmark = pytest.mark.install


def cache_folder() -> str:
    """Return uv's cache of this machine: what the index sends is tried by the first start already."""
    command = [str(packages.find_uv()), "cache", "dir"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def openbook(clone: Clone, torch_index: str) -> list[str]:
    """The command line before the verb; `clone` is the tree that the package is built from, on a stock machine."""
    own = {"UV_CACHE_DIR": cache_folder(), "UV_INDEX": f"pytorch-cpu={torch_index}", "LLM_URL": "http://127.0.0.1:9/v1"}
    clone.settings |= own | {"PORT": str(find_free_port()), "PICTURE_CHECK": "none"}
    return [str(packages.find_uv()), "tool", "run", "--from", str(clone.folder), "openbook"]


def test_a_package_sets_up_its_site_in_the_users_data_directory(
    openbook: list[str], clone: Clone, tmp_path: Path
) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*openbook, *words], env=clone.env, cwd=tmp_path, capture_output=True, text=True, check=False
        )

    done = run("setup")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Ready: openbook serve starts everything." in done.stdout
    data = clone.home / ".local" / "share" / "openbook"
    assert (data / "openbook.sqlite3").exists() and any((data / "static").rglob("*.css"))
    assert not list(clone.folder.glob("var")) and not list(clone.folder.glob(".venv"))

    made = run("manage", "setup_demo", "--email", "ada@example.org")
    assert made.returncode == 0, made.stderr[-3000:]
    archived = run("backup", "copy.tar")
    assert archived.returncode == 0, archived.stderr[-3000:]
    assert (tmp_path / "copy.tar").stat().st_size > 1_000_000, "a relative name is relative to the caller's folder"
    refused = run("upgrade")
    assert refused.returncode and "not a git clone" in refused.stderr
    page = run("manage", "shell", "--verbosity", "0", "--command", PAGE)
    assert page.stdout.split() == ["200", "200", "Anmelden"], page.stderr[-3000:]
    assert os.fspath(clone.folder) not in page.stdout


PAGE = """
from django.conf import settings
from django.test import Client
settings.ALLOWED_HOSTS.append("testserver")
client = Client(headers={"accept-language": "de"})
page = client.get("/accounts/login/")
worker = client.get("/service-worker.js")
print(page.status_code, worker.status_code, "Anmelden" if "Anmelden" in page.text else page.text)
"""
