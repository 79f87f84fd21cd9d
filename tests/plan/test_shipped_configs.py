"""The published schema is current, and every shipped config follows it and can be planned."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from service import catalog
from service.plan.build import build_plan
from service.plan.load import load_config
from service.plan.schema import json_schema

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "configs" / "archduel.schema.json"
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))

START = """
import sys, time
from functools import partial
from pathlib import Path
from service import catalog
from service.plan.build import build_plan
from service.plan.cost import describe
from service.plan.load import load_config
config = load_config(sys.argv[1])
describe(build_plan(config, partial(catalog.locate, base=config.folder), catalog.names()))
seconds = time.process_time()  # from the start of the interpreter on
heavy = {"keras", "tensorflow", "jax", "torch", "ray", "optuna", "mlflow", "sklearn", "mlxtend",
         "scipy", "pandas", "statsmodels", "plotly"}
print(seconds, *sorted(heavy & set(sys.modules)))
"""


def test_the_published_schema_is_current() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == json_schema(), (
        "run `python -m service.plan.schema`"
    )


def test_every_key_of_the_schema_is_described() -> None:
    schema = json.loads(json_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    for model in (schema, *schema["$defs"].values()):
        assert model["description"]
        assert model["additionalProperties"] is False
        for name, key in model["properties"].items():
            assert key.get("description") or "$ref" in key, name


def test_there_are_configs() -> None:
    assert {"iris.yaml", "mnist.yaml"} <= {config.name for config in CONFIGS}


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)
def test_a_shipped_config_follows_the_schema_and_can_be_planned(config: Path) -> None:
    text = config.read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=archduel.schema.json\n")
    document = YAML(typ="safe", pure=True).load(text)
    jsonschema.validate(document, json.loads(SCHEMA.read_text(encoding="utf-8")))
    loaded = load_config(config)
    plan = build_plan(loaded, partial(catalog.locate, base=loaded.folder), catalog.names())
    assert plan.experiment == config.stem


@pytest.mark.parametrize(
    "wrong",
    [
        {"search": {"trails": 8}},
        {"search": {"trials": 0}},
        {"search": {"space": {"dropout": []}}},
        {"search": {"space": {"dropout": {"low": 1}}}},
        {"design": {"repetitions": []}},
        {"experiment": "Iris"},
        {"pairs": []},
        {"resources": {"trial_timeout": "soon"}},
        {"resources": {"max_parallel": "all"}},
        {"tracking": {"mlflow": "ftp://x"}},
    ],
)
def test_the_schema_refuses_what_loading_refuses(wrong: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(
            {"experiment": "x", "pairs": ["iris"], **wrong}, json.loads(json_schema())
        )


def test_planning_loads_nothing_heavy_and_takes_less_than_a_second() -> None:
    def run() -> tuple[float, list[str]]:
        done = subprocess.run(
            [sys.executable, "-c", START, str(ROOT / "configs" / "iris.yaml")],
            capture_output=True, text=True, check=True, cwd=ROOT,
        )  # fmt: skip
        seconds, *heavy = done.stdout.split()
        return float(seconds), heavy

    runs = [run() for _ in range(3)]
    assert all(not heavy for _, heavy in runs)
    assert min(seconds for seconds, _ in runs) < 1.0  # of a processor; others may share it


def test_the_schema_can_be_written_anywhere(tmp_path: Path) -> None:
    target = tmp_path / "s.json"
    subprocess.run(
        [sys.executable, "-W", "error", "-m", "service.plan.schema", str(target)],
        check=True, cwd=ROOT,
    )  # fmt: skip
    assert target.read_text(encoding="utf-8") == json_schema()
