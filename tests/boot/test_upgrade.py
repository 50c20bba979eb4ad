"""`./run upgrade` in real git clones: forward, back again where the new version fails, and after a kill."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from apps.lib.ports import find_free_port
from assistant.boot.errors import ExitCode
from assistant.boot.layout import VENV
from tests.boot.clones import Clone, copy_tree

pytestmark = pytest.mark.install
ELSEWHERE = "http://127.0.0.1:9/v1"
GOOD = """
from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("users", "{last}")]
    operations = [migrations.RunSQL("CREATE TABLE from_the_future (id integer)", migrations.RunSQL.noop)]
"""
BAD = """
from django.db import migrations

def fail(apps, schema_editor):
    apps.get_model("users", "User").objects.all().delete()
    raise ValueError("this version is broken")

class Migration(migrations.Migration):
    atomic = False
    dependencies = [("users", "{last}")]
    operations = [migrations.RunSQL("CREATE TABLE half_made (id integer)"), migrations.RunPython(fail)]
"""


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    return subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a clone that was set up and has one account, and the repository that it follows."""
    place = tmp_path_factory.mktemp("prepared")
    clone = Clone(place / "openbook", place / "home", {"LLM_URL": ELSEWHERE})
    clone.home.mkdir()
    copy_tree(clone.folder)
    (clone.folder / ".venv").symlink_to(VENV)
    with (clone.folder / ".gitignore").open("a") as ignored:
        ignored.write("\n.venv\n")
    git(clone.folder, "init", "--quiet", "--initial-branch", "main")
    git(clone.folder, "add", "--all")
    git(clone.folder, "commit", "--quiet", "--message", "First")
    git(clone.folder, "clone", "--quiet", str(clone.folder), str(place / "origin"))
    git(clone.folder, "remote", "add", "origin", str(place / "origin"))
    git(clone.folder, "fetch", "--quiet")
    git(clone.folder, "branch", "--set-upstream-to", "origin/main")
    for verb in (["setup"], ["manage", "setup_demo", "--email", "ada@example.org"]):
        done = clone.run(*verb)
        assert done.returncode == 0, done.stderr
    return place


@pytest.fixture
def upgradable(prepared: Path, tmp_path: Path) -> Iterator[Clone]:
    """A copy of `prepared`, with ports of its own."""
    shutil.copytree(prepared, tmp_path, symlinks=True, dirs_exist_ok=True)
    settings = {"PORT": str(find_free_port()), "LLM_PORT": str(find_free_port()), "LLM_URL": ELSEWHERE}
    clone = Clone(tmp_path / "openbook", tmp_path / "home", settings)
    git(clone.folder, "remote", "set-url", "origin", str(tmp_path / "origin"))
    yield clone
    if clone.process and clone.process.poll() is None:
        clone.kill()


def publish(clone: Clone, migration: str) -> str:
    """Commit a migration to the repository that the clone follows; return the commit."""
    origin = clone.folder.with_name("origin")
    folder = origin / "apps" / "users" / "migrations"
    last = sorted(path.stem for path in folder.glob("0*.py"))[-1]
    name = f"{int(last[:4]) + 1:04}_from_the_future"
    (folder / f"{name}.py").write_text(migration.format(last=last))
    git(origin, "add", "--all")
    git(origin, "commit", "--quiet", "--message", "Next")
    return git(origin, "rev-parse", "HEAD")


def tables(clone: Clone) -> set[str]:
    with closing(sqlite3.connect(clone.data / "openbook.sqlite3")) as database:
        return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def accounts(clone: Clone) -> list[str]:
    with closing(sqlite3.connect(clone.data / "openbook.sqlite3")) as database:
        return [email for (email,) in database.execute("SELECT email FROM users_user")]


def test_an_upgrade_backs_up_migrates_and_says_what_changed(upgradable: Clone) -> None:
    clone = upgradable
    assert "up to date" in clone.run("upgrade").stdout
    newest = publish(clone, GOOD)
    done = clone.run("upgrade")
    assert done.returncode == 0, done.stderr
    assert git(clone.folder, "rev-parse", "HEAD") == newest
    assert "from_the_future" in tables(clone) and accounts(clone) == ["ada@example.org"]
    assert re.search(r"Upgraded from \S+ \w+ to \S+ \w+; see CHANGELOG.md", done.stdout)
    assert re.search(r"^Changed tables: users\.\d+_from_the_future$", done.stdout, re.MULTILINE)
    assert len(list((clone.data / "backups").glob("before-upgrade-*.tar"))) == 1
    assert not (clone.data / "upgrade.json").exists()


def test_an_upgrade_that_fails_is_taken_back(upgradable: Clone) -> None:
    clone = upgradable
    before = git(clone.folder, "rev-parse", "HEAD")
    publish(clone, BAD)
    done = clone.run("upgrade")
    assert done.returncode == ExitCode.UPGRADE
    assert "this version is broken" in done.stderr and "was undone" in done.stderr
    assert git(clone.folder, "rev-parse", "HEAD") == before
    assert accounts(clone) == ["ada@example.org"], "the failed version had removed them"
    assert "half_made" not in tables(clone)
    assert clone.run("doctor").returncode in {0, 1}


def test_an_upgrade_that_was_cut_off_is_finished_by_the_next(upgradable: Clone) -> None:
    clone = upgradable
    newest = publish(clone, GOOD)
    clone.start("upgrade")
    clone.wait(lambda: (clone.data / "upgrade.json").exists())
    clone.kill()
    (clone.folder / ".git" / "index.lock").touch()  # as git leaves it, and files half written
    (clone.folder / "README.md").write_text("# Open")
    done = clone.run("upgrade")
    assert done.returncode == 0, done.stderr
    assert not git(clone.folder, "status", "--porcelain", "--untracked-files=no")
    if git(clone.folder, "rev-parse", "HEAD") != newest:  # the kill came before the code was changed
        assert clone.run("upgrade").returncode == 0
    assert git(clone.folder, "rev-parse", "HEAD") == newest
    assert "from_the_future" in tables(clone) and not (clone.data / "upgrade.json").exists()


def test_an_upgrade_keeps_off_changed_files_and_a_running_site(upgradable: Clone) -> None:
    clone = upgradable
    newest = publish(clone, GOOD)
    readme = clone.folder / "README.md"
    original = readme.read_text()
    readme.write_text("changed")
    done = clone.run("upgrade")
    assert done.returncode == ExitCode.UPGRADE and "commit or undo the changes" in done.stderr
    readme.write_text(original)
    clone.start("serve")
    clone.wait(lambda: "Openbook is at" in clone.log)
    refused = clone.run("upgrade")
    assert refused.returncode == ExitCode.RUNNING and "stop it" in refused.stderr
    assert git(clone.folder, "rev-parse", "HEAD") != newest
    assert clone.interrupt() == 0


def test_pulled_code_is_set_up_by_the_next_start_and_told(upgradable: Clone) -> None:
    """`git pull && ./run serve`, without the verb."""
    clone = upgradable
    publish(clone, GOOD)
    git(clone.folder, "pull", "--quiet", "--ff-only")
    clone.start("serve")
    clone.wait(lambda: "Openbook is at" in clone.log)
    assert "Upgraded from" in clone.log and "_from_the_future" in clone.log
    assert clone.interrupt() == 0


def test_an_upgrade_whose_packages_cannot_be_had_leaves_the_old_version_whole(upgradable: Clone) -> None:
    """The environment is a real folder of its own here: what an upgrade may break must not be this one."""
    clone = upgradable
    environment = clone.folder / ".venv"
    environment.unlink()
    shutil.copytree(VENV, environment, symlinks=True)
    stamp = json.loads((environment / "openbook.stamp").read_text())
    (environment / "openbook.stamp").write_text(json.dumps(stamp | {"folder": str(environment)}))
    origin = clone.folder.with_name("origin")
    project = origin / "pyproject.toml"
    project.write_text(
        project.read_text().replace('"celery>=5.6,<6",', '"celery>=5.6,<6",\n    "no-such-package-1f3a",')
    )
    git(origin, "commit", "--quiet", "--all", "--message", "Asks for what nobody has")
    done = clone.run("upgrade")
    assert done.returncode == ExitCode.UPGRADE
    assert "was undone" in done.stderr and accounts(clone) == ["ada@example.org"]
    assert clone.run("setup").stdout.splitlines()[-1].startswith("Ready")


def test_a_clone_with_commits_of_its_own_is_left_alone(upgradable: Clone) -> None:
    clone = upgradable
    publish(clone, GOOD)
    git(clone.folder, "commit", "--quiet", "--allow-empty", "--message", "Own")
    own = git(clone.folder, "rev-parse", "HEAD")
    done = clone.run("upgrade")
    assert done.returncode == ExitCode.UPGRADE and "local commits" in done.stderr
    assert git(clone.folder, "rev-parse", "HEAD") == own
    assert not (clone.data / "upgrade.json").exists()
