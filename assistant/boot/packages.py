"""Install the packages: `pyproject.toml` says which, `constraints.txt` which versions with which hashes, uv does it.

Entry points: `required_extras`, `is_installed`, `install_packages`. pip brings uv into a new environment. The settings
of pip (mirrors, folders of wheels, proxies, certificates) are handed to uv, so that one configuration serves both.

PyTorch is installed first. Builds of PyTorch for processors (`+cpu`) are not on the package index. The sources that pip
is configured with have them, else PyTorch's own index (TORCH_INDEX). No hash is pinned for them, since every index
builds its own. Everything else is verified.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assistant.boot import preflight
from assistant.boot.console import print_line, timed_step
from assistant.boot.errors import BootError, ExitCode
from assistant.boot.layout import IS_CLONE, PYTHON, ROOT, TORCH_INDEX, VENV, Layout, find_resource

CONSTRAINTS, OVERRIDES = find_resource("constraints.txt"), find_resource("overrides.txt")
STAMP = VENV / "openbook.stamp"  # in a clone: the complete installations
UNFINISHED = VENV / "openbook.unfinished"  # in a clone: exists while packages are being written
MODULES = {
    "vllm": "vllm",
    "pictures": "diffusers",
    "postgres": "psycopg",
    "redis": "channels_redis",
    "milvus": "pymilvus",
}
_OF_PICTURES = ("IMAGE_URL", "SIGN_KEY", "SIGN_CERTIFICATES")  # such pictures are signed
_SELF = re.compile(r"openbook\[([\w,]+)\]")
_LARGE = re.compile(r"^Downloading \S+ \((\d{2,}(\.\d+)?MiB|.*GiB)\)")  # smaller downloads are in the log only
_CHANGE = re.compile(r"^ ([-+~]) (\S+)==(\S+)", re.MULTILINE)
_SECTIONS = ("global", "install", ":env:")  # of pip's settings; later ones override
_SOURCES = {"UV_INDEX", "UV_DEFAULT_INDEX", "UV_FIND_LINKS", "UV_NO_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL"}
_PASSWORD = re.compile(r"(?<=://)[^/@\s]+@")
_FULL = ("No space left on device", "Disk quota exceeded", "os error 28", "os error 122")
_NETWORK = (
    "Temporary failure in name resolution", "Name or service not known", "Network is unreachable", "NewConnectionError",
    "ConnectTimeout", "Connection refused", "No route to host", "ReadTimeout", "NameResolutionError", "ProxyError",
    "dns error", "client error (Connect)", "operation timed out", "error sending request for url",
)  # fmt: skip
_NO_BUILD = (
    "there is no version of torch",
    "No matching distribution found for torch",
    "has no wheels with a matching",
)


def required_extras(layout: Layout, source: Mapping[str, str] | None = None) -> list[str]:
    """Return the optional dependencies that the settings need, such as `postgres`; `vllm` where no LLM_URL is set."""
    env = os.environ if source is None else source
    needed = {
        "vllm": layout.own_llm,
        "postgres": any(env.get(name, "").startswith("postgres") for name in ("DATABASE_URL", "PGVECTOR_URL")),
        "redis": bool(env.get("REDIS_URL")),
        "pictures": env.get("IMAGE_MODEL", "") not in ("", "none") or any(map(env.get, _OF_PICTURES)),
        "milvus": bool(env.get("MILVUS_URL")) or "milvus" in env.get("INDEX_BACKEND", ""),
    }
    return sorted({*(name for name, is_needed in needed.items() if is_needed), *env.get("EXTRAS", "").split()})


def is_installed(extras: Sequence[str]) -> bool:
    """Return whether the environment holds at least `extras`: in a clone in the versions of this code, in a package
    in any version. Raise BootError for an extra that a clone does not know."""
    if not IS_CLONE:  # the installer of the package brought the rest
        return not _missing(extras)
    if UNFINISHED.exists() or not PYTHON.exists():
        return False
    noted = _read_stamp()
    is_current = noted.get("fingerprint") == _fingerprint() and noted.get("folder") == str(VENV.resolve())
    return is_current and set(_expand_extras(extras)) <= set(noted.get("extras", []))


def has_environment() -> bool:
    """Return whether packages of any version were installed completely."""
    return not IS_CLONE or (STAMP.exists() and PYTHON.exists() and not UNFINISHED.exists())


def environment_stamp() -> bytes:
    """Return bytes that change whenever other packages are installed."""
    if IS_CLONE:
        return STAMP.read_bytes()
    folder = Path(importlib.util.find_spec("django").origin or "").parent.parent  # type: ignore[union-attr]
    return "\n".join(sorted(path.name for path in folder.glob("*.dist-info"))).encode()


def install_packages(layout: Layout, extras: Sequence[str]) -> list[str]:
    """Install the base and `extras`. Return one line per package whose version changed.

    If an earlier run was interrupted while it wrote packages, or the clone was moved, the environment is created anew.
    Half a package looks like a whole one, and scripts hold the path. Raise BootError.
    """
    log = layout.data / "setup.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    if IS_CLONE:
        if UNFINISHED.exists() or _read_stamp().get("folder", str(VENV.resolve())) != str(VENV.resolve()):
            _remove_environment()
        _create_environment(log)
        UNFINISHED.touch()
    try:
        with timed_step("Installing packages", _count_packages):
            _install_torch(layout, "vllm" in extras or "dev" in extras, log)
            locked = ["--constraint", str(CONSTRAINTS), "--override", str(OVERRIDES)]
            output = run_installer([*locked, *_wanted(extras)], log)
    except BootError as error:
        if error.code != ExitCode.DISK:  # uv writes packages only after fetching all of them
            UNFINISHED.unlink(missing_ok=True)
        raise
    if IS_CLONE:
        noted, fingerprint = _read_stamp(), _fingerprint()
        known_extras = noted.get("extras", []) if noted.get("fingerprint") == fingerprint else []  # else for others
        stamp = {"fingerprint": fingerprint, "extras": sorted({*known_extras, *_expand_extras(extras)})}
        STAMP.write_text(json.dumps({**stamp, "folder": str(VENV.resolve())}))
        UNFINISHED.unlink()
    return changed_versions(output)


def changed_versions(output: str) -> list[str]:
    """Return `name old → new` for each package that uv replaced, from what uv printed; removed ones are left out."""
    removed = {name: version for sign, name, version in _CHANGE.findall(output) if sign == "-"}
    added = {name: version for sign, name, version in _CHANGE.findall(output) if sign == "+"}
    return [
        f"{name} {removed[name]} → {added[name]}"
        for name in sorted(removed.keys() & added.keys())
        if added[name] != removed[name]
    ]


def run_installer(arguments: Sequence[str], log: Path, index: str = "") -> str:
    """Run `uv pip install` for the environment and return what it printed. Raise BootError with the cause.

    uv gets the settings of pip; with `index` it asks that index alone. All output is appended to `log`.
    """
    command = [str(find_uv()), "pip", "install", "--python", str(PYTHON), *arguments]
    env = {**_pip_settings(), **os.environ, "UV_NO_PROGRESS": "1"}
    env.setdefault("UV_SYSTEM_CERTS", "1")  # like pip
    if bundle := env.get("REQUESTS_CA_BUNDLE"):
        env.setdefault("SSL_CERT_FILE", bundle)
    if not os.access(Path.home(), os.W_OK):
        env.setdefault("UV_NO_CACHE", "1")
    if index:
        env = {name: value for name, value in env.items() if name not in _SOURCES}
        command += ["--default-index", index]
    return _run(command, log, env)


def _wanted(extras: Sequence[str]) -> list[str]:
    if IS_CLONE:
        return [
            "--no-sources",
            "-r",
            str(ROOT / "pyproject.toml"),
            *(word for extra in extras for word in ("--extra", extra)),
        ]
    return [f"openbook[{','.join(extras)}]"]


def _missing(extras: Sequence[str]) -> list[str]:
    return [extra for extra in extras if extra in MODULES and importlib.util.find_spec(MODULES[extra]) is None]


def _read_stamp() -> dict[str, Any]:
    """Return fingerprint, extras and folder of the complete installation; an empty dict if there is none."""
    try:
        noted = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}


def _fingerprint() -> str:
    """Return a hash of everything that decides which versions are installed."""
    project = _read_project()
    dependencies = json.dumps([project["dependencies"], project["optional-dependencies"]])
    return hashlib.sha256(
        "\0".join([dependencies, CONSTRAINTS.read_text(), OVERRIDES.read_text()]).encode()
    ).hexdigest()


def _read_project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project


def _expand_extras(extras: Sequence[str]) -> list[str]:
    """Return `extras` with those that they name, in order."""
    project, found = _read_project(), list(dict.fromkeys(extras))
    for extra in found:
        if extra not in project["optional-dependencies"]:
            raise BootError(ExitCode.CONFIGURATION, f"EXTRAS names {extra!r}, and Openbook has no such package.")
        for item in project["optional-dependencies"][extra]:
            if own := _SELF.fullmatch(item):
                found += [name for name in own[1].split(",") if name not in found]
    return found


def read_pins() -> dict[str, str]:
    """Return the version of every package in `constraints.txt`, by its normalised name."""
    return dict(re.findall(r"^([\w.-]+)==([^\s;\\]+)", CONSTRAINTS.read_text(), re.MULTILINE))


def _count_packages() -> str:
    number = len(list((VENV / "lib").glob("python3*/site-packages/*.dist-info")))
    return f"{number} packages are in place" if number > 1 else "downloading"


def find_uv() -> Path:
    """Return the program `uv`: that of the environment, else one on PATH or named by UV. Raise BootError."""
    if (beside := PYTHON.parent / "uv").exists():
        return beside
    found = shutil.which("uv") or os.environ.get("UV", "")
    if not found:
        raise BootError(ExitCode.PACKAGES, "uv, which installs packages, is missing: pip install uv, and run again.")
    return Path(found)


def _create_environment(log: Path) -> None:
    """Create `.venv` with uv in it; recreate one that was interrupted in the middle."""
    pinned = read_pins()["uv"]
    uv = PYTHON.parent / "uv"
    if PYTHON.exists() and uv.exists():
        version = _ask_version(uv)
        if version.startswith(f"uv {pinned} ") or version.strip() == f"uv {pinned}":
            return
    if not _has_pip():
        with timed_step("Creating the environment"):
            _remove_environment()
            base = getattr(sys, "_base_executable", sys.executable)  # this Python may be in the removed environment
            done = subprocess.run([base, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False)
            if done.returncode:
                _remove_environment()
                with log.open("a") as log_file:
                    log_file.write(done.stdout + done.stderr)
                raise explain_failure(done.stdout + done.stderr, log)
    requirement = VENV / "uv.txt"
    requirement.write_text(_locked_lines("uv"))
    with timed_step("Fetching uv, which installs packages"):
        command = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
        _run([*command, "--require-hashes", "-r", str(requirement)], log, os.environ)


def _remove_environment() -> None:
    """Remove `.venv`, or the link of that name and nothing behind it."""
    if VENV.is_symlink():
        VENV.unlink()
    shutil.rmtree(VENV, ignore_errors=True)


def _ask_version(program: Path) -> str:
    try:
        return subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:  # a partial program after an interrupted installation
        return ""


def _has_pip() -> bool:
    if not PYTHON.exists():
        return False
    return subprocess.run([str(PYTHON), "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0


def _locked_lines(name: str) -> str:
    """Return the lines of `constraints.txt` about one package: its version and hashes."""
    found = re.search(rf"^{re.escape(name)}==.*?(?=^\S|\Z)", CONSTRAINTS.read_text(), re.MULTILINE | re.DOTALL)
    if not found:
        raise BootError(ExitCode.PACKAGES, f"constraints.txt names no version of {name}; run ./run lock.")
    return found[0]


def _install_torch(layout: Layout, with_vision: bool, log: Path) -> None:
    """Install the build of PyTorch for processors, with torchvision where the model server needs it."""
    if sys.platform != "linux":
        return  # the package index has the CPU build
    pins = read_pins()
    names = ["torch", "torchvision"] if with_vision else ["torch"]
    if all(_is_cpu_build(name, pins[name]) for name in names):
        return
    wanted = ["--no-deps", f"torch=={pins['torch']}+cpu"]
    wanted += [f"torchvision=={pins['torchvision']}"] if with_vision else []
    index = layout.torch_index or TORCH_INDEX
    shown = _PASSWORD.sub("", index)
    places = {"the sources that pip is configured with": "", shown: index}
    failures = []
    for place in reversed(places) if layout.torch_index else places:
        try:
            print_line(f"  asking {place} for the CPU build of PyTorch")
            run_installer(wanted, log, places[place])
        except BootError as error:
            if error.code not in {ExitCode.TORCH, ExitCode.NETWORK}:
                raise
            failures.append(error.code)
        else:
            return
    reason = "cannot be reached" if ExitCode.NETWORK in failures else "has none for this Python and processor"
    raise BootError(
        ExitCode.TORCH,
        f"No CPU build of PyTorch {pins['torch']} was found: pip is configured with none, and {shown} {reason}; set "
        "TORCH_INDEX to an index that has it, and run again.",
    )


def _is_cpu_build(name: str, version: str) -> bool:
    return any((VENV / "lib").glob(f"python3*/site-packages/{name}-{version}+cpu.dist-info"))


def _pip_settings() -> dict[str, str]:
    """Return pip's settings as variables of uv, without those that are set for uv already."""
    done = subprocess.run([str(PYTHON), "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    return translate_pip_settings(done.stdout)


def translate_pip_settings(listing: str) -> dict[str, str]:
    """Translate the output of `pip config list` into variables of uv, by pip's own precedence of sections."""
    found: dict[str, tuple[int, str]] = {}
    for line in listing.splitlines():
        key, _, value = line.partition("=")
        section, _, name = key.rpartition(".")
        if section in _SECTIONS and value and _SECTIONS.index(section) >= found.get(name, (0, ""))[0]:
            found[name] = _SECTIONS.index(section), " ".join(str(ast.literal_eval(value)).split())
    values = {name: value for name, (_, value) in found.items()}
    settings = {
        "UV_DEFAULT_INDEX": values.get("index-url", ""),
        "UV_INDEX": values.get("extra-index-url", ""),
        "UV_FIND_LINKS": values.get("find-links", "").replace(" ", ","),
        "UV_INSECURE_HOST": values.get("trusted-host", ""),
        "UV_NO_INDEX": "1" if values.get("no-index", "").lower() in {"1", "true", "yes", "on"} else "",
        # pip takes the best version over all indexes, uv by default the first index that has the name.
        "UV_INDEX_STRATEGY": "unsafe-best-match" if values.get("extra-index-url") else "",
        "SSL_CERT_FILE": values.get("cert", ""),
        "ALL_PROXY": values.get("proxy", ""),
    }
    return {name: value for name, value in settings.items() if value}


def _run(command: list[str], log: Path, env: Mapping[str, str]) -> str:
    """Run an installer, print which large files it fetches, append its output to `log`. Raise BootError."""
    lines: list[str] = []
    with log.open("a") as log_file:
        log_file.write(f"$ {_PASSWORD.sub('', ' '.join(command))}\n")
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(env), cwd=log.parent
        )
        for line in process.stdout or ():
            log_file.write(line)
            lines.append(line)
            if _LARGE.search(line):
                print_line(f"  {line.strip()}")
        code = process.wait()
    output = "".join(lines)
    if code:
        raise explain_failure(output[-20_000:], log)
    return output


def explain_failure(output: str, log: Path) -> BootError:
    """Return the sentence and exit code for the last words of pip, uv or venv."""
    if any(word in output for word in _FULL):
        return BootError(ExitCode.DISK, "The disk became full while packages were installed; free some and run again.")
    if any(word in output for word in _NO_BUILD) or re.search(r"depends on torch==\S+\+cpu", output):
        return BootError(ExitCode.TORCH, "No CPU build of PyTorch was found; set TORCH_INDEX and run again.")
    if any(word in output for word in _NETWORK):
        return BootError(
            ExitCode.NETWORK, "The package index cannot be reached; check the network or pip's proxy, and run again."
        )
    if "Hash mismatch" in output or "DO NOT MATCH THE HASHES" in output:
        return BootError(
            ExitCode.PACKAGES,
            "A package is not the file that Openbook was tested with, so it was not installed; check where your "
            f"packages come from (details are in {log}).",
        )
    if "ensurepip" in output:
        return BootError(ExitCode.PYTHON, preflight.NO_VENV)
    return BootError(ExitCode.PACKAGES, f"The packages could not be installed; the reason is at the end of {log}.")
