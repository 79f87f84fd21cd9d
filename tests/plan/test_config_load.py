"""What a config may say, and what overrides do to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from service.plan.load import load_config, parse_config

Write = Callable[[str], Path]
HEAD = "experiment: x\npairs: [iris]\n"


def test_defaults() -> None:
    config = parse_config(HEAD, "x.yaml").config
    assert (config.backend, config.match) == ("tensorflow", None)
    assert config.search.model_dump() == {
        "trials": 8, "sampler": "tpe", "pruner": "none", "epochs": None, "batch": 4, "space": {},
    }  # fmt: skip
    assert config.design.model_dump() == {
        "repetitions": [5], "retrain": 2, "margin": None, "confidence": 0.95,
        "anew": "split", "noise_floor": False, "reserve": 0, "seed": 0,
    }  # fmt: skip
    assert config.resources.model_dump() == {
        "cpus_per_trial": 1, "gpus_per_trial": 0, "max_parallel": "auto", "trial_timeout": 1800,
    }  # fmt: skip
    assert config.data.model_dump() == {"source": "packaged", "path": None}
    assert config.tracking.mlflow == "auto"


def test_an_empty_section_is_all_defaults() -> None:
    text = HEAD + "search:\n  # trials: 9\ndata:\n"
    assert parse_config(text, "x.yaml").config == parse_config(HEAD, "x.yaml").config


def test_one_value_may_stand_without_a_list() -> None:
    config = parse_config("experiment: x\npairs: iris\ndesign: {repetitions: 7}\n", "x").config
    assert (config.pairs, config.design.repetitions) == (["iris"], [7])


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("1d", 86400), ("45", 45), ("0.5", 0.5)],
)
def test_durations(written: str, seconds: float) -> None:
    text = HEAD + f"resources: {{trial_timeout: {written}}}\n"
    assert parse_config(text, "x").config.resources.trial_timeout == seconds


def test_yaml_is_version_1_2() -> None:
    # In YAML 1.1 `no` is false and 010 is 8.
    config = parse_config("experiment: no\npairs: [on]\ndesign: {seed: 010}\n", "x").config
    assert (config.experiment, config.pairs, config.design.seed) == ("no", ["on"], 10)


def test_a_name_that_looks_like_a_date_is_a_name() -> None:
    assert parse_config("experiment: 2026-01-02\npairs: [iris]\n", "x").config.experiment == (
        "2026-01-02"
    )


def test_lines_are_kept_by_path() -> None:
    loaded = parse_config("experiment: x\npairs:\n- iris\n- mnist\nsearch:\n  trials: 3\n", "x")
    assert loaded.lines["pairs", 1] == 4
    assert loaded.lines["search", "trials"] == 6


def test_overrides_win_and_are_yaml() -> None:
    loaded = parse_config(
        HEAD + "search: {trials: 3}\n",
        "x.yaml",
        [
            "search.trials=4",
            "search.trials=5",
            "pairs=[mnist, iris]",
            "design.repetitions=[6, 12]",
            "data.source=online",
            "search.space.learning_rate={low: 1e-3, high: 1e-2, log: true}",
            "tracking.mlflow=http://host:5000/a=b",
        ],
    )
    config = loaded.config
    assert config.search.trials == 5
    assert config.pairs == ["mnist", "iris"]
    assert config.design.repetitions == [6, 12]
    assert config.data.source == "online"
    assert config.search.space["learning_rate"].model_dump() == {  # type: ignore[union-attr]
        "low": 1e-3, "high": 1e-2, "log": True,
    }  # fmt: skip
    assert config.tracking.mlflow == "http://host:5000/a=b"


def test_an_override_repairs_the_file() -> None:
    text = HEAD + "search: {trials: many}\n"
    assert parse_config(text, "x", ["search.trials=2"]).config.search.trials == 2


def test_the_text_is_as_given() -> None:
    text = "# why\nexperiment:   x   # name\npairs: [iris]\n"
    assert parse_config(text, "x").text == text


def test_the_text_holds_the_overrides_and_keeps_the_comments() -> None:
    text = "# why\nexperiment: x # name\npairs: [iris]\nsearch:\n  trials: 3 # few\n"
    loaded = parse_config(text, "x", ["search.trials=9", "design.seed=4"])
    assert "# why" in loaded.text
    assert "trials: 9 # few" in loaded.text
    again = parse_config(loaded.text, "x")
    assert again.config == loaded.config
    assert again.config.design.seed == 4


def test_the_text_of_an_empty_file_holds_the_overrides() -> None:
    loaded = parse_config("", "x", ["experiment=y", "pairs=[iris]"])
    assert parse_config(loaded.text, "x").config == loaded.config


def test_a_byte_order_mark_and_windows_lines(write: Write) -> None:
    path = write(HEAD)
    path.write_bytes(b"\xef\xbb\xbf" + HEAD.replace("\n", "\r\n").encode())
    assert load_config(path).config.experiment == "x"


def test_the_folder_is_the_configs(write: Write) -> None:
    path = write(HEAD)
    assert load_config(path).folder == path.resolve().parent
