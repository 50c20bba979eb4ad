"""Settings as an environment with only some variables gives them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from unittest import mock

from assistant.env import Env, load_env


def read_env(variables: Mapping[str, str] | None = None) -> Env:
    """Return the settings of an environment that holds only `variables`. Raises ImproperlyConfigured."""
    with mock.patch.dict(os.environ, variables or {}, clear=True):
        return load_env()
