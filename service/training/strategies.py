"""The ways to run a training, by name, and which of them a backend has."""

from __future__ import annotations

from typing import Any

from service.contracts.strategy import STRATEGIES, width
from service.training.program import Objective, Program
from service.training.vmap_program import VmapProgram


def program(strategy: str, model: Any, objective: Objective) -> Program | VmapProgram:
    """A program of this strategy (see `service.contracts.strategy`) that trains this model."""
    if width(strategy) > 1:
        return VmapProgram(model, objective, width(strategy))
    if strategy == "fit":
        from service.training.fit_program import FitProgram

        return FitProgram(model, objective)
    if strategy in ("graph", "xla"):
        from service.training.graph_program import GraphProgram, XlaProgram

        return (GraphProgram if strategy == "graph" else XlaProgram)(model, objective)
    if strategy == "scan":
        from service.training.scan_program import ScanProgram

        return ScanProgram(model, objective)
    raise ValueError(f"there is no strategy '{strategy}'; there are {', '.join(STRATEGIES)}")
