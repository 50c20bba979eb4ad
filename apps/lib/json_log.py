"""Log lines as JSON objects, for `LOG_FORMAT=json`: time, level, logger, message, and the request if there is one."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from apps.lib.request_ids import get_request_id


class JsonFormatter(logging.Formatter):
    """Formatter that writes one JSON object per line. `error` holds a traceback. No field names a user."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request := get_request_id():
            line["request"] = request
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            line["error"] = record.exc_text
        return json.dumps(line, ensure_ascii=False)
