"""Prepare a bare machine and run Openbook on it: checks, packages, models, database, processes.

Standard library only, since most of it runs before the environment exists. `convert_model`, `serve`, `supervisor`,
`readiness` and `translations` run inside it.
"""
