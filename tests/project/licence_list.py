"""List of all packages of an image with their licences: `./run licences` writes it to the end of `NOTICE.md`.

The packages are those of `pyproject.toml`, its extras for running, and everything that these require on this machine.
Licences are those that the metadata of the installed packages state. `./run licences` belongs after `./run lock`.
"""

from __future__ import annotations

import sys
import tomllib
from functools import cache
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from assistant.boot.layout import ROOT
from assistant.boot.packages import read_pins

NOTICES = ROOT / "NOTICE.md"
BEGIN = "<!-- The list below is written by ./run licences. -->\n"  # to the end of the file
BASE = ""  # the dependencies without an extra
EXTRAS = (BASE, "pictures", "postgres", "redis", "milvus", "vllm")

# Packages whose metadata state no licence, or one that does not hold for the wheel: the licence, and where it was read.
READ_IN_THE_PACKAGE = {
    "docutils": "public domain, BSD-2-Clause; GPL-3.0 for an Emacs file that no wheel holds (licenses/COPYING.rst)",
    "oss-harmony": "Apache-2.0 (licenses/LICENSE)",
    "qrcode": "BSD-3-Clause, with MIT for the parts of another library (LICENSE)",
    "setuptools": "MIT (licenses/LICENSE)",
}
_STATED_LENGTH = 60  # characters of a licence's name; longer fields hold its text


@cache
def installed_packages(extra: str) -> dict[str, metadata.Distribution]:
    """Return by canonical name the installed packages of `extra` in `pyproject.toml` and all that these require."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = project["optional-dependencies"][extra] if extra else project["dependencies"]
    queue = [(Requirement(line), BASE) for line in lines]
    found: dict[str, metadata.Distribution] = {}
    expanded = set()
    while queue:
        requirement, wanted_by = queue.pop()
        name = canonicalize_name(requirement.name)
        if requirement.marker and not requirement.marker.evaluate({"extra": wanted_by}):
            continue
        try:
            package = found[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        for each in {BASE, *requirement.extras}:
            if (name, each) not in expanded:
                expanded.add((name, each))
                queue += [(Requirement(line), each) for line in package.requires or []]
    return found


def all_packages() -> dict[str, metadata.Distribution]:
    """Return the packages of all extras for running, by canonical name in alphabetical order."""
    found = {name: package for extra in EXTRAS for name, package in installed_packages(extra).items()}
    return dict(sorted(found.items()))


def stated_licence(name: str, package: metadata.Distribution) -> str:
    """Return the licence of a package in one line: as read by hand, else as its metadata state it."""
    if read := READ_IN_THE_PACKAGE.get(name):
        return read
    fields = package.metadata
    if expression := fields.get("License-Expression"):
        return expression
    stated = (fields.get("License") or "").strip().partition("\n")[0]
    classifiers = [line.rpartition(" :: ")[2] for line in fields.get_all("Classifier") or [] if line[:7] == "License"]
    if not stated or len(stated) > _STATED_LENGTH or stated.startswith("Copyright"):
        return "; ".join(classifiers)
    lesser = [line for line in classifiers if "Lesser General Public" in line and "LGPL" not in stated]
    return "; ".join([stated, *lesser])


def build_list() -> str:
    """Return the section with one row per package; without a build tag such as `+cpu` in the version."""
    rows = [
        f"| `{name}` | {package.version.partition('+')[0]} | {stated_licence(name, package)} |"
        for name, package in all_packages().items()
    ]
    head = ["## All Python packages of an image", "", "| package | version | licence |", "|---|---|---|"]
    return "\n".join([*head, *rows]) + "\n"


def read_list(notices: str) -> dict[str, tuple[str, str]]:
    """Return version and licence by package, from the text of `NOTICE.md`."""
    _, _, section = notices.partition(BEGIN)
    rows = [line.strip("| ").split(" | ", 2) for line in section.splitlines() if line.startswith("| `")]
    return {name.strip("`"): (version, licence) for name, version, licence in rows}


def main() -> int:
    """Write the list; return 1 if an installed package has another version than `constraints.txt` pins."""
    pins = read_pins()
    other = [
        f"{name} {package.version}"
        for name, package in all_packages().items()
        if pins.get(name, "") != package.version.partition("+")[0]
    ]
    if other:
        sys.stderr.write(f"Not the versions of constraints.txt, run ./run setup --dev: {', '.join(other)}\n")
        return 1
    text, _, _ = NOTICES.read_text().partition(BEGIN)
    NOTICES.write_text(text.rstrip("\n") + "\n\n" + BEGIN + "\n" + build_list())
    return 0


if __name__ == "__main__":
    sys.exit(main())
