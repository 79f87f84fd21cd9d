"""The page of results says what the reports say, whoever won."""

from __future__ import annotations

from typing import Any

import pytest

from tests.results.__main__ import ROOT, commands
from tests.results.document import document
from tests.results.published import EXPECTED, Expectation, held_against

METRIC = {"name": "accuracy", "direction": "maximize", "unit": "fraction"}


def report(pair: str, differences: list[float], interval: tuple[float, float], label: str) -> Any:
    """What `archduel report --format json` writes, as far as the page reads it."""
    mean = sum(differences) / len(differences)
    return {
        "facts": {
            "started": "2026-01-01T00:00:00+00:00",
            "hardware": {"processor": "P", "cores": "2", "memory": "4 GiB", "system": "Linux"},
            "versions": {"python": "3.11"},
        },
        "plan": {
            "pairs": [
                {
                    "name": pair, "metric": METRIC, "margin": 0.01, "also": [METRIC],
                    "variants": ["sequential", "functional"],
                }
            ]
        },
        "pairs": [
            {
                "label": label,
                "sentence": f"{label}, it says.",
                "verdict": {
                    "mean_difference": mean, "interval": interval, "improvement": 0.25,
                    "n_ok": len(differences), "n_planned": 10,
                },
                "costs": [{"name": "latency", "ratio": 1.5}],
                "repetitions": [
                    {
                        "index": index, "difference": difference, "baseline": 0.1,
                        "reference": {"mean": 0.8}, "challenger": {"mean": 0.8 + difference},
                    }
                    for index, difference in enumerate(differences)
                ],
            }
        ],
        "results": [
            {
                "finished_at": "2026-01-01T00:01:30+00:00",
                "hyperparameters": {"left_share": 0.5},
                "score": 0.9,
                "also": {"accuracy": 0.5},
                "reference_scores": {"image alone": 0.25},
                "spec": {
                    "pair": pair, "repetition": index, "stage": stage, "variant": variant,
                    "seeds": {"split": index},
                },
            }
            for index in range(len(differences))
            for stage, variant in (
                ("search", "functional"), ("retrain", "sequential"), ("retrain", "functional"),
            )
        ],
    }  # fmt: skip


def test_a_row_tells_who_won_by_how_much_and_at_what_cost() -> None:
    found = {"mnist": report("mnist", [-0.03, -0.01], (-0.04, -0.002), "sequential better")}
    page = document(found, {"mnist": "abc1234"}, commands())
    row = "| mnist | mnist | **sequential better** | -2 [-4, -0.2] points | 1 | 25% |  | x1.50 |"
    assert f"{row}  | 2/10 | 90 |" in page
    scores = "| mnist | mnist | accuracy (higher is better, %) | 10 | 80 | 78 |"
    assert f"{scores} accuracy (%) 50 and 50; reference, image alone: 25 |" in page
    assert "| mnist | abc1234 | `archduel run configs/mnist.yaml` |" in page
    assert "Not run, or not yet: attention, autoencoder" in page


@pytest.mark.parametrize(
    ("expected", "interval", "said"),
    [
        ("functional better", (0.01, 0.03), "agrees"),
        ("functional better", (-0.03, -0.01), "**disagrees**: so"),
        ("functional better", (-0.01, 0.03), "open, the mean points the same way"),
        ("functional better", (-0.03, 0.01), "open, the mean points the other way: so"),
        ("sequential better", (-0.03, -0.01), "agrees"),
        ("sequential better", (0.01, 0.03), "**disagrees**: so"),
        ("functional not worse", (-0.01, 0.03), "agrees: no difference is shown"),
        ("functional not worse", (-0.03, -0.01), "**disagrees**: so"),
    ],
)
def test_a_direction_is_read_off_the_interval(
    expected: str, interval: tuple[float, float], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Expectation("mnist", expected, "it is known", "so")
    monkeypatch.setattr("tests.results.published.EXPECTED", (one,))
    found = {"mnist": report("mnist", [sum(interval) / 2], interval, "a verdict")}
    assert list(held_against(found)) == [
        ("it is known", "mnist: a verdict. a verdict, it says.", said)
    ]


def test_the_gain_with_depth_is_paired_by_split() -> None:
    found = {
        "resnet-2": report("resnet", [0.00, 0.01, 0.02], (0, 0.02), "equivalent"),
        "resnet": report("resnet", [0.05, 0.06, 0.08], (0.04, 0.08), "functional better"),
    }
    ((_, told, said),) = held_against(found)
    assert "resnet-2 +1, resnet +6.33" in told
    assert "grows by 5.33 [3.9, 6.77] points (the same splits, n=3)" in told
    assert said == "agrees"


def test_loss_weights_are_told_from_the_search() -> None:
    found = {"multi_task": report("multi_task", [0.01, 0.02], (0.005, 0.03), "functional better")}
    ((_, told, _),) = held_against(found)
    assert told.endswith("by the left task's loss weight: 0.5: 90.0% (2).")


def test_every_laptop_config_is_run_and_every_expectation_has_a_run() -> None:
    shipped = {path.stem for path in (ROOT / "configs").glob("*.yaml")} - {"guide"}
    assert shipped <= commands().keys()
    assert {one.run for one in EXPECTED} <= commands().keys()
