"""Times trainings on warm workers before any trial is run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from service.contracts.strategy import Timing
from service.contracts.trial import TrialSpec
from service.execution.ray_failures import one_line


def measured(
    ray: Any, actors: Sequence[Any], specs: Sequence[TrialSpec], timeout: float
) -> tuple[list[Timing], set[int]]:
    """Time trainings like these, one at a time on each worker.

    Args:
        ray: the ray module.
        actors: the workers that are ready.
        specs: what to time.
        timeout: seconds that one may take.

    Returns:
        A timing for each spec, a worker's loss or lateness told in it, and the places of the
        workers that did not answer in time.
    """
    timings: list[Timing] = []
    stuck: set[int] = set()
    places = [place % len(actors) for place in range(len(specs))]
    asked = [actors[place].measure.remote(spec) for place, spec in zip(places, specs, strict=True)]
    for place, spec, reference in zip(places, specs, asked, strict=True):
        try:
            timings.append(ray.get(reference, timeout=0 if place in stuck else timeout))
            continue
        except ray.exceptions.GetTimeoutError:
            stuck.add(place)
            error = f"took longer than the {timeout:.0f} s of a trial"
        except ray.exceptions.RayError as lost:
            error = one_line(lost)
        timings.append(Timing(variant=spec.variant, strategy=spec.strategy, error=error))
    return timings, stuck
