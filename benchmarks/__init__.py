"""Benchmarks of the product, one package each: `./run bench NAME`.

Each package has a module `run` with `run(options) -> dict[str, float]` and, if it has options of its own,
`add_arguments(parser)`. Nothing in `apps` or `assistant` imports this package, and no wheel or image holds it.
"""
