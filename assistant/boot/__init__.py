"""What makes a bare machine run Openbook: checks, packages, models, processes. Standard library only, since most of it
runs before the virtual environment exists (`convert.py` and `serve.py` run inside it)."""
