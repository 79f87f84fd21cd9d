"""Each kind of mistake in a config is one exact line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from service.contracts import UserError
from service.contracts.plan import Plan
from service.plan.build import build_plan
from service.plan.document import MAX_BYTES
from service.plan.load import LoadedConfig, load_config, parse_config
from service.plan.resources import check_resources

Mistake = Callable[..., str]
Write = Callable[[str], Path]
PlanOf = Callable[[LoadedConfig], Plan]
HEAD = "experiment: x\npairs: [iris]\n"

KEYS = {
    "misspelt": (
        "experiment: x\npairs: [iris]\nsearch:\n  trails: 8\n",
        "configs/x.yaml:4: search.trails: unknown key; did you mean 'trials'?",
    ),
    "misspelt at the top": (
        "experiment: x\npairs: [iris]\nserach: {trials: 8}\n",
        "configs/x.yaml:3: serach: unknown key; did you mean 'search'?",
    ),
    "like no other": (
        HEAD + "data: {zzz: 1}\n",
        "configs/x.yaml:3: data.zzz: unknown key; choose from: path, source",
    ),
    "missing": ("experiment: x\n", "configs/x.yaml: pairs: this key is required"),
    "missing because misspelt": (
        "experimnt: x\npairs: [iris]\n",
        "configs/x.yaml:1: experimnt: unknown key; did you mean 'experiment'?",
    ),
    "given twice": (
        HEAD + "search:\n  trials: 8\n  epochs: 3\n  trials: 9\n",
        "configs/x.yaml:6: search.trials: is given twice, first in line 4",
    ),
    "not text": (
        HEAD + "? [a, b]\n: 1\n",
        "configs/x.yaml:3: a key must be plain text",
    ),
    "in a range": (
        HEAD + "search:\n  space:\n    dropout: {low: 0, hihg: 1}\n",
        "configs/x.yaml:5: search.space.dropout.hihg: unknown key; did you mean 'high'?",
    ),
    "missing in a range": (
        HEAD + "search:\n  space:\n    dropout: {low: 0}\n",
        "configs/x.yaml:5: search.space.dropout.high: this key is required",
    ),
}

PAIRS = {
    "misspelt": (
        "experiment: x\npairs:\n  - iris\n  - twins\n  - mnsit\n",
        "configs/x.yaml:5: pairs[2]: unknown pair 'mnsit'; did you mean 'mnist'?",
    ),
    "in one line": (
        "experiment: x\npairs: [iris, mnsit]\n",
        "configs/x.yaml:2: pairs[1]: unknown pair 'mnsit'; did you mean 'mnist'?",
    ),
    "without a list": (
        "experiment: x\npairs: mnsit\n",
        "configs/x.yaml:2: pairs: unknown pair 'mnsit'; did you mean 'mnist'?",
    ),
    "twice": (
        "experiment: x\npairs: [iris, mnist, iris]\n",
        "configs/x.yaml:2: pairs[2]: pair 'iris' is chosen twice",
    ),
    "in all already": (
        "experiment: x\npairs: [all, mnist]\n",
        "configs/x.yaml:2: pairs[1]: pair 'mnist' is chosen twice",
    ),
    "none": (
        "experiment: x\npairs: []\n",
        "configs/x.yaml:2: pairs: must not be empty, but got []",
    ),
    "no source of the kind": (
        "experiment: x\npairs: [iris, housing]\n",
        "configs/x.yaml: data.source: pair 'housing' has no packaged source; it has: online",
    ),
    "no source of the kind asked for": (
        HEAD + "data:\n  source: online\n",
        "configs/x.yaml:4: data.source: pair 'iris' has no online source; it has: packaged, path",
    ),
}

TYPES = {
    "a word for a number": (
        HEAD + "search: {trials: many}\n",
        "configs/x.yaml:3: search.trials: must be a whole number, but got 'many'",
    ),
    "a fraction for a whole number": (
        HEAD + "search: {trials: 1.5}\n",
        "configs/x.yaml:3: search.trials: must be a whole number, but got 1.5",
    ),
    "true for a number": (
        HEAD + "search: {trials: true}\n",
        "configs/x.yaml:3: search.trials: must be a whole number, but got true",
    ),
    "nothing for a number": (
        HEAD + "search: {trials: }\n",
        "configs/x.yaml:3: search.trials: must be a whole number, but it is empty",
    ),
    "a list for a section": (
        HEAD + "search: [8]\n",
        "configs/x.yaml:3: search: must hold keys with values, but got [8]",
    ),
    "a number for a name": (
        "experiment: 7\npairs: [iris]\n",
        "configs/x.yaml:1: experiment: must be text, but got 7; put it in quotes",
    ),
    "a number for a pair": (
        "experiment: x\npairs:\n- iris\n- 7\n",
        "configs/x.yaml:4: pairs[1]: must be text, but got 7; put it in quotes",
    ),
    "a word for a switch": (
        HEAD + "search: {space: {dropout: {low: 0, high: 1, log: sure}}}\n",
        "configs/x.yaml:3: search.space.dropout.log: must be true or false, but got 'sure'",
    ),
    "not a choice": (
        HEAD + "backend: tensorflw\n",
        "configs/x.yaml:3: backend: must be one of tensorflow, jax, torch, but got 'tensorflw'; "
        "did you mean 'tensorflow'?",
    ),
    "infinite": (
        HEAD + "design: {margin: .inf}\n",
        "configs/x.yaml:3: design.margin: must be a number, but got '.inf'",
    ),
    "a scalar for a range": (
        HEAD + "search: {space: {dropout: 0.5}}\n",
        "configs/x.yaml:3: search.space.dropout: must be a list of values, or {low, high, log}, "
        "but got 0.5",
    ),
    "a list in a list": (
        HEAD + "search: {space: {dropout: [[0.5]]}}\n",
        "configs/x.yaml:3: search.space.dropout[0]: must be a number, a word, true or false, "
        "but got [0.5]",
    ),
    "a duration": (
        HEAD + "resources: {trial_timeout: half an hour}\n",
        "configs/x.yaml:3: resources.trial_timeout: must be a duration from 1s to 30d, such as "
        "90s, 30m or 1h30m, but got 'half an hour'",
    ),
    "an address": (
        HEAD + "tracking: {mlflow: ftp://x}\n",
        "configs/x.yaml:3: tracking.mlflow: must be auto or an address that starts with http, "
        "https, file or sqlite, but got 'ftp://x'",
    ),
    "a long value": (
        HEAD + "backend: " + "a" * 500 + "\n",
        "configs/x.yaml:3: backend: must be one of tensorflow, jax, torch, but got '"
        + "a" * 56
        + "...",
    ),
}

RANGES = {
    "too small": (
        HEAD + "search:\n  epochs: 3\n  sampler: tpe\n  batch: 2\n  trials: 0\n",
        "configs/x.yaml:7: search.trials: must be at least 1, but got 0",
    ),
    "the first in the file comes first": (
        HEAD + "search:\n  trials: 0\ndesign: {retrain: 0}\nbackend: no\n",
        "configs/x.yaml:4: search.trials: must be at least 1, but got 0",
    ),
    "reserve": (
        HEAD + "design: {reserve: 1}\n",
        "configs/x.yaml:3: design.reserve: must be below 1, but got 1",
    ),
    "confidence": (
        HEAD + "design: {confidence: 95}\n",
        "configs/x.yaml:3: design.confidence: must be below 1, but got 95",
    ),
    "upside down": (
        HEAD + "search:\n  space:\n    learning_rate: {low: 0.1, high: 0.01}\n",
        "configs/x.yaml:5: search.space.learning_rate: low <= high must hold, but got "
        "{'low': 0.1, 'high': 0.01}",
    ),
    "logarithm of nothing": (
        HEAD + "search:\n  space:\n    dropout:\n      low: 0\n      high: 1\n      log: true\n",
        "configs/x.yaml:6: search.space.dropout.low: must be above 0 where log is true, but got 0",
    ),
    "learning nothing": (
        HEAD + "search: {space: {learning_rate: [0.1, 0]}}\n",
        "configs/x.yaml:3: search.space.learning_rate[1]: must be above 0 (pair 'iris'), but got 0",
    ),
    "half an example": (
        HEAD + "search: {space: {batch_size: [16, 0.5]}}\n",
        "configs/x.yaml:3: search.space.batch_size[1]: must be a whole number (pair 'iris'), "
        "but got 0.5",
    ),
    "half a skip": (
        HEAD + "search: {space: {skips: {low: 1, high: 2.5}}}\n",
        "configs/x.yaml:3: search.space.skips.high: must be a whole number (pair 'iris'), "
        "but got 2.5",
    ),
    "a word among numbers": (
        HEAD + "search: {space: {dropout: [none]}}\n",
        "configs/x.yaml:3: search.space.dropout[0]: must be a number (pair 'iris'), but got 'none'",
    ),
    "an unknown word": (
        HEAD + "search: {space: {pool: [maxx]}}\n",
        "configs/x.yaml:3: search.space.pool[0]: must be one of max, mean (pair 'iris'), "
        "but got 'maxx'; did you mean 'max'?",
    ),
    "one for true": (
        HEAD + "search: {space: {normalise: [1]}}\n",
        "configs/x.yaml:3: search.space.normalise[0]: must be one of true, false (pair 'iris'), "
        "but got 1",
    ),
    "from word to word": (
        HEAD + "search: {space: {pool: {low: 0, high: 1}}}\n",
        "configs/x.yaml:3: search.space.pool: must be a list of values, because pair 'iris' "
        "offers max, mean",
    ),
    "no hyperparameter": (
        HEAD + "search:\n  space:\n    learnin_rate: [0.1]\n",
        "configs/x.yaml:5: search.space.learnin_rate: pair 'iris' has no such hyperparameter; "
        "did you mean 'learning_rate'?",
    ),
    "no hyperparameter of any": (
        "experiment: x\npairs: [iris, mnist]\nsearch:\n  space:\n    dropuot: [0.1]\n",
        "configs/x.yaml:5: search.space.dropuot: no chosen pair has such a "
        "hyperparameter; did you mean 'dropout'?",
    ),
    "no value": (
        HEAD + "search: {space: {dropout: []}}\n",
        "configs/x.yaml:3: search.space.dropout: must not be empty, but got []",
    ),
    "a value twice": (
        HEAD + "search: {space: {dropout: [0.1, 0.1]}}\n",
        "configs/x.yaml:3: search.space.dropout: must not hold a value twice, but got [0.1, 0.1]",
    ),
    "no look": (
        HEAD + "design: {repetitions: []}\n",
        "configs/x.yaml:3: design.repetitions: must not be empty, but got []",
    ),
    "points for a fraction": (
        HEAD + "design: {margin: 2}\n",
        "configs/x.yaml:3: design.margin: must be below 1, because accuracy of pair 'iris' is a "
        "fraction, but got 2; 2 points are 0.02",
    ),
    "a capital": (
        "experiment: Iris\npairs: [iris]\n",
        "configs/x.yaml:1: experiment: must be 1 to 63 lower-case letters, digits, '.', '_' or "
        "'-', starting with a letter or a digit, but got 'Iris'",
    ),
    "a GPU and a half": (
        HEAD + "backend: jax\nresources: {gpus_per_trial: 1.5}\n",
        "configs/x.yaml:4: resources.gpus_per_trial: must be a fraction of one GPU or a whole "
        "number of GPUs, but got 1.5",
    ),
}

CONTRADICTIONS = {
    "a strategy of another backend": (
        HEAD + "training: {strategy: grpah}\n",
        "configs/x.yaml:3: training.strategy: must be auto or one that backend tensorflow has: "
        "graph, xla, fit, but got 'grpah'; did you mean 'graph'?",
    ),
    "path without one": (
        HEAD + "data:\n  source: path\n",
        "configs/x.yaml:4: data.source: path needs data.path, the file or folder to read",
    ),
    "path for nothing": (
        HEAD + "data:\n  source: packaged\n  path: my.csv\n",
        "configs/x.yaml:5: data.path: is read only with source: path, but data.source is packaged",
    ),
    "path to nothing": (
        HEAD + "data:\n  source: path\n  path: my.csv\n",
        "configs/x.yaml:5: data.path: no such file or folder, but got 'my.csv'",
    ),
    "median of nothing": (
        HEAD + "search: {trials: 4, batch: 4, pruner: median}\n",
        "configs/x.yaml:3: search.pruner: median compares with earlier batches, and 4 trials in "
        "batches of 4 make only one; lower search.batch, raise search.trials or use none",
    ),
    "median of one epoch": (
        HEAD + "search: {epochs: 1, pruner: median}\n",
        "configs/x.yaml:3: search.pruner: median needs search.epochs to be at least 2",
    ),
    "GPUs that cannot join": (
        HEAD + "resources: {gpus_per_trial: 2}\n",
        "configs/x.yaml:3: resources.gpus_per_trial: must be at most 1 with backend tensorflow, "
        "because Keras 3 spreads one model over several GPUs with jax alone, but got 2; use "
        "backend: jax, or one GPU per trial and more trials at once",
    ),
    "looks": (
        HEAD + "design:\n  repetitions:\n  - 6\n  - 12\n  - 12\n",
        "configs/x.yaml:7: design.repetitions[2]: looks must increase: each counts all "
        "repetitions so far, and the one before is 12, but got 12",
    ),
    "a size that is solved": (
        HEAD + "match: parameters\nsearch: {space: {width: [8]}}\n",
        "configs/x.yaml:4: search.space.width: sets the size of pair 'iris', which "
        "match: parameters solves for every trial; leave it out, or use match: none",
    ),
    "units": (
        "experiment: x\npairs: [iris, housing]\ndesign: {margin: 0.1}\n",
        "configs/x.yaml:3: design.margin: one margin cannot serve metrics of different units: "
        "fraction (iris), kUSD (housing); leave it out to use each pair's own",
    ),
    "a secret": (
        HEAD + "tracking: {mlflow: 'https://me:hunter2@host'}\n",
        "configs/x.yaml:3: tracking.mlflow: must hold no password, because configs are printed in "
        "reports; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD",
    ),
    "no host": (
        HEAD + "tracking: {mlflow: 'https:///x'}\n",
        "configs/x.yaml:3: tracking.mlflow: names no host, but got 'https:///x'",
    ),
}

YAML = {
    "not closed": (
        HEAD + "search: {trials: 8\n",
        "configs/x.yaml:4: is not valid YAML: expected ',' or '}', but got '<stream end>'",
    ),
    "a colon": (
        "experiment: x\npairs: [iris]\nbackend: a: b\n",
        "configs/x.yaml:3: is not valid YAML: mapping values are not allowed here; "
        "put text that holds ': ' in quotes",
    ),
    "a tab": (
        "experiment: x\nsearch:\n\ttrials: 8\n",
        "configs/x.yaml:3: is not valid YAML: found character '\\t' that cannot start any token",
    ),
    "two documents": (
        HEAD + "---\nexperiment: y\n",
        "configs/x.yaml:3: is not valid YAML: but found another document",
    ),
    "an anchor": (
        HEAD + "search: &a {trials: 8}\ndata: *a\n",
        "configs/x.yaml:3: search: anchors and aliases are not supported; repeat the value",
    ),
    "a tag": (
        HEAD + "search: !!python/object:os.system {trials: 8}\n",
        "configs/x.yaml:3: search: YAML tags are not supported; write the plain value",
    ),
    "a word for a switch in YAML 1.1": (
        "%YAML 1.1\n---\nexperiment: x\npairs: yes\n",
        "configs/x.yaml:4: pairs: a switch must be written true or false",
    ),
    "a scalar": (
        "just words\n",
        "configs/x.yaml: a config must hold keys with values, such as experiment: iris",
    ),
    "nothing": ("", "configs/x.yaml: experiment: this key is required"),
    "too deep": (
        "experiment: x\npairs: " + "[" * 50 + "]" * 50 + "\n",
        "configs/x.yaml:2: must be nested at most 20 deep",
    ),
    "far too deep": (
        "experiment: x\npairs: " + "[" * 1200 + "]" * 1200 + "\n",
        "configs/x.yaml: must be nested at most 20 deep",
    ),
}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(text, line, id=f"{kind}: {name}")
        for kind, cases in {
            "keys": KEYS,
            "pairs": PAIRS,
            "types": TYPES,
            "ranges": RANGES,
            "contradictions": CONTRADICTIONS,
            "yaml": YAML,
        }.items()
        for name, (text, line) in cases.items()
    ],
)
def test_a_mistake_is_one_line(mistake: Mistake, text: str, line: str) -> None:
    assert mistake(text) == line
    assert "hunter2" not in line


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("search.trails=9", "--set: search.trails: unknown key; did you mean 'trials'?"),
        ("serach.trials=9", "--set: serach: unknown key; did you mean 'search'?"),
        ("search.trials=0", "--set: search.trials: must be at least 1, but got 0"),
        ("search=5", "--set: search: must hold keys with values, but got 5"),
        ("experiment.name=y", "--set: experiment.name: experiment holds no keys"),
        ("search.trials", "--set: must be written key=value, but got 'search.trials'"),
        ("=5", "--set: must be written key=value, but got '=5'"),
        ("search..trials=5", "--set: must be written key=value, but got 'search..trials=5'"),
        (
            "search.trials=[",
            "--set search.trials:1: is not valid YAML: expected the node content, but found "
            "'<stream end>'",
        ),
        ("pairs=[iris, mnsit]", "--set: pairs[1]: unknown pair 'mnsit'; did you mean 'mnist'?"),
        (
            "search.space.dropuot=[0.1]",
            "--set: search.space.dropuot: pair 'iris' has no such hyperparameter; "
            "did you mean 'dropout'?",
        ),
        (
            "search.space.dropout.lo=1",
            "--set: search.space.dropout.lo: unknown key; did you mean 'low'?",
        ),
        (
            "data.source=path",
            "--set: data.source: path needs data.path, the file or folder to read",
        ),
    ],
)
def test_a_mistake_in_an_override_names_it(mistake: Mistake, override: str, line: str) -> None:
    assert mistake(HEAD, [override]) == line


def test_an_override_into_a_scalar_of_the_file(mistake: Mistake) -> None:
    line = mistake(HEAD + "search: 5\n", ["search.trials=5"])
    assert line == ("--set: search.trials: cannot be set, because search holds no keys in the file")


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def line(path: str) -> str:
        with pytest.raises(UserError) as caught:
            load_config(path)
        return str(caught.value)

    Path("folder.yaml").mkdir()
    Path("latin.yaml").write_bytes(b"experiment: x\npairs: [caf\xe9]\n")
    Path("large.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    Path("null.yaml").write_bytes(b"experiment: x\n\0")
    assert line("none.yaml") == "none.yaml: no such file"
    assert line("folder.yaml") == "folder.yaml: is a folder; a config is a YAML file"
    assert line("latin.yaml") == "latin.yaml:2: must be UTF-8 text"
    assert line("large.yaml") == "large.yaml: must be at most 256 KiB"
    assert line("null.yaml") == (
        "null.yaml:2: is not valid YAML: the character '\\x00' is not allowed"
    )


def test_resources_that_are_not_there(write: Write, plan_of: PlanOf) -> None:
    loaded = load_config(
        write(HEAD + "resources:\n  cpus_per_trial: 4\n  gpus_per_trial: 0.5\n  max_parallel: 99\n")
    )
    plan = plan_of(loaded)
    check_resources(plan, loaded, cpus=4, gpus=1)
    with pytest.raises(UserError) as gpu:
        check_resources(plan, loaded, cpus=4, gpus=0)
    assert str(gpu.value) == (
        "configs/x.yaml:5: resources.gpus_per_trial: asks for 0.5 GPUs, but the largest node has "
        "no GPU; lower it to 0 or run on a larger node"
    )
    with pytest.raises(UserError) as cpu:
        check_resources(plan, loaded, cpus=1, gpus=0)
    assert str(cpu.value) == (
        "configs/x.yaml:4: resources.cpus_per_trial: asks for 4 CPUs, but the largest node has "
        "1 CPU; lower it to 1 or run on a larger node"
    )


def test_a_loader_that_lacks_its_package_gets_the_line_of_the_config() -> None:
    loaded = parse_config(HEAD + "data:\n  source: packaged\n", "c.yaml")
    from_loader = UserError("needs the package scikit-learn", hint="pip install scikit-learn")
    told = loaded.error(("data", "source"), from_loader.rule, from_loader.value, from_loader.hint)
    assert str(told) == (
        "c.yaml:4: data.source: needs the package scikit-learn; pip install scikit-learn"
    )


def test_a_mistake_in_a_pair_file_is_told_by_that_file(write: Write) -> None:
    def locate(reference: str) -> None:
        raise UserError("is not valid Python", file="my.py", line=3)

    with pytest.raises(UserError, match=r"^my\.py:3: is not valid Python$"):
        build_plan(load_config(write(HEAD)), locate, [])  # type: ignore[arg-type]
