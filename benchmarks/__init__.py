"""Measurements of the product, one a package: `./run bench NAME`.

Each package holds `run(options) -> dict[str, float]` and, where it has options of its own, `add_arguments(parser)`.
Nothing in `apps` or `assistant` imports this package, and no wheel or image holds it.
"""
