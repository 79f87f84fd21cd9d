"""The ways to run a training, by name, and which of them a backend has."""

from __future__ import annotations

from typing import Any

from service.contracts.strategy import STRATEGIES
from service.training.program import Objective, Program


def program(strategy: str, model: Any, objective: Objective) -> Program:
    """A program of this strategy (see `service.contracts.strategy`) that trains this model."""
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
