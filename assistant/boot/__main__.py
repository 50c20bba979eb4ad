"""Run `assistant.boot.cli`: `python -m assistant.boot VERB`."""

import sys

from assistant.boot.cli import main

if __name__ == "__main__":
    sys.exit(main())
