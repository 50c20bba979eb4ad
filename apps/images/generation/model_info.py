"""Description of the picture model, stored in a file for web processes, which must not load the model.

The worker loads the model and writes the file (`refresh_model`, `record_model`); pages call `get_model`.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.engines import registry
from apps.engines.image.protocol import PictureModel
from apps.engines.types import EngineError, EngineUnavailable
from apps.lib import json_file

log = logging.getLogger(__name__)

_AGAIN_S = 120  # seconds until the worker tries again to load a model that failed
_NONE = "Pictures cannot be created here: no picture model is set up. Ask an administrator."
_LOADING = "The picture model is being loaded for the first time. Try again in a minute."


def is_configured() -> bool:
    """Return whether a picture model is configured."""
    return bool(registry.get_image_config().get("OPTIONS", {}).get("model"))


def get_model() -> PictureModel:
    """Return the configured model. Raises EngineUnavailable if none is configured, or none could be loaded yet."""
    if not is_configured():
        raise EngineUnavailable(_NONE)
    model = _read()
    if model.get("key") != _key():
        raise EngineUnavailable(_LOADING)
    if model.get("error"):
        raise EngineUnavailable(str(model["error"]))
    values = dict(model["model"])
    return PictureModel(**values | {"schedulers": tuple(values["schedulers"])})


def find_available_model() -> PictureModel | None:
    """Return the configured model; None if `get_model` would raise."""
    try:
        return get_model()
    except EngineUnavailable:
        return None


def can_inpaint() -> bool:
    """Return whether the available model can redraw a part of a picture."""
    return bool((model := find_available_model()) and model.accepts_mask)


def refresh_model() -> None:
    """Load the model and store its description or error, unless the file is up to date. For the worker."""
    if not is_configured():
        return
    previous = _read()
    same = previous.get("key") == _key()
    if same and (not previous.get("error") or time.time() - previous.get("at", 0) < _AGAIN_S):
        return
    try:
        _write({"model": asdict(registry.get_image_engine().model())})
    except EngineError as error:
        log.warning("%s", error)
        _write({"error": str(error)})


def record_model(model: PictureModel) -> None:
    """Store the description of the model that just drew, if it differs: its weights may have been replaced."""
    known = _read()
    if known.get("key") != _key() or known.get("model") != json.loads(json.dumps(asdict(model))):
        _write({"model": asdict(model)})


def _key() -> str:
    config = registry.get_image_config()
    visible = {name: value for name, value in config.get("OPTIONS", {}).items() if name not in ("api_key", "resolve")}
    named = [field.name for field in fields(PictureModel)]  # a file of an older version lacks some fields
    return json.dumps([config["BACKEND"], visible, named], sort_keys=True)


def _file() -> Path:
    return Path(settings.DATA_DIR) / "picture_model.json"


def _read() -> dict[str, Any]:
    return json_file.read_json(_file())


def _write(content: dict[str, Any]) -> None:
    json_file.write_json(_file(), {"key": _key(), "at": time.time(), **content})
