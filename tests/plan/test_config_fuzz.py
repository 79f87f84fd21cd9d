"""Whatever the text, a config loads or fails with one line that people understand."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from service.contracts import UserError
from service.plan import problems
from service.plan.load import LoadedConfig, parse_config
from service.plan.schema import Config

JARGON = re.compile(
    r"pydantic|Input should|value_error|_type\b|valid (integer|string|list)|instance|dict\b|NoneType"
    r"|Traceback|is not valid here"
)


def check(text: str, overrides: tuple[str, ...] = ()) -> None:
    try:
        loaded = parse_config(text, "x.yaml", overrides)
    except UserError as error:
        refused = error
    else:
        assert isinstance(loaded, LoadedConfig)
        assert parse_config(loaded.text, "x.yaml").config == loaded.config
        return
    line = str(refused)
    assert line.isprintable(), line
    assert line.startswith(("x.yaml", "--set")), line
    # What the user wrote may hold any word: only the rule is ours.
    assert not JARGON.search(refused.rule), line


KEYS = sorted(
    {name for model in (Config,) for name in model.model_fields}
    | {"trials", "space", "low", "high", "log", "repetitions", "margin", "seed", "path", "source"}
    | {"gpus_per_trial", "max_parallel", "trial_timeout", "mlflow", "learning_rate", "pruner"}
)
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=5),
        st.sampled_from(["auto", "tpe", "iris", "all", "30m", "path", "none", "median", "jax"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
    ),
    max_leaves=6,
)
SECTIONS: dict[str, Any] = {
    name: st.fixed_dictionaries({}, optional=dict.fromkeys(model.model_fields, VALUES))
    for name, model in {
        name: problems._model(field.annotation) for name, field in Config.model_fields.items()
    }.items()
    if model is not None
}
CONFIGS = st.fixed_dictionaries(
    {"experiment": st.just("x"), "pairs": st.just(["iris"])},
    optional={**SECTIONS, "match": VALUES, "backend": VALUES, "other": VALUES},
)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    check(text)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab:-[]{},&*!|>'\"#%@? \n\t1.~<=\\", max_size=40))
def test_text_like_yaml(text: str) -> None:
    check(text)
    check("experiment: x\npairs: [iris]\nsearch: " + text)


@settings(max_examples=200, deadline=None)
@given(CONFIGS)
def test_any_values(document: dict[str, Any]) -> None:
    stream = io.StringIO()
    YAML(typ="safe", pure=True).dump(document, stream)
    check(stream.getvalue())


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["search.trials", "pairs", "search", "search.space.a", "", "a.b", "design"]),
    st.text(max_size=20),
)
def test_any_override(key: str, value: str) -> None:
    check("experiment: x\npairs: [iris]\n", (f"{key}={value}",))


@pytest.mark.parametrize("digits", [4_299, 4_301, 100_000])
def test_numbers_too_long_for_python(digits: int) -> None:
    check(f"experiment: x\npairs: [iris]\ndesign: {{seed: {'9' * digits}, margin: 1e{digits}}}\n")


def test_an_alias_bomb_is_refused_before_it_grows() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    with pytest.raises(UserError, match="anchors and aliases are not supported"):
        parse_config("\n".join(lines), "x.yaml")
