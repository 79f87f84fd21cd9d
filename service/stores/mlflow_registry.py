"""The winners as registered models: one model per pair, a version per variant, an alias each.

The alias "winner" names the variant that the verdict prefers; a pair without a better variant has
none. Which repetition's model stands for a variant is decided on validation data, never on the
test split.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from service.contracts.plan import PairPlan
from service.contracts.results import TrialResult
from service.contracts.trial import Stage
from service.stores.experiment_ledger import ExperimentLedger
from service.stores.ledger import sentences
from service.stores.mlflow_layout import LEDGER_TAG, TRIAL_TAG, clipped

WINNER = "winner"
_BETTER = {"sequential_better": 0, "functional_better": 1}


def register(client: Any, ledger: ExperimentLedger, experiment_id: str, *, remote: bool) -> None:
    """Register the models of every pair that has a verdict; what is registered is left alone.

    Args:
        client: an `MlflowClient`.
        ledger: the source.
        experiment_id: MLflow's.
        remote: whether the client speaks to a server.
    """
    verdicts = ledger.verdicts
    told = sentences(verdicts)
    for pair in ledger.plan.pairs:
        if pair.name not in told:
            continue
        chosen = best_models(pair, list(ledger.evidence(pair.name)))
        models = {name: _logged(client, experiment_id, row) for name, row in chosen.items()}
        known = {name: model for name, model in models.items() if model is not None}
        if not known:
            continue
        name = _find_or_create(client, ledger, pair, told[pair.name])
        versions = {
            variant: _version(
                client,
                name,
                chosen[variant],
                model,
                # A server looks a model up by its id; a store in this process would look for it in
                # the process's global store, which this is not.
                f"models:/{model.model_id}" if remote else model.artifact_location,
            )
            for variant, model in known.items()
        }
        for variant, version in versions.items():
            client.set_registered_model_alias(name, _alias(variant), version)
        preferred = _preferred(pair, verdicts[pair.name])
        if preferred in versions:
            client.set_registered_model_alias(name, WINNER, versions[preferred])
        elif WINNER in client.get_registered_model(name).aliases:
            client.delete_registered_model_alias(name, WINNER)


def best_models(pair: PairPlan, rows: list[TrialResult]) -> dict[str, TrialResult]:
    """The model that stands for each variant.

    Args:
        pair: its metric decides.
        rows: results of this pair.

    Returns:
        By variant, the first retrained winner of the repetition whose validation score is best; a
        tie goes to the earliest repetition.
    """
    found: dict[str, TrialResult] = {}
    for row in sorted(rows, key=lambda row: row.spec.repetition):
        spec = row.spec
        if spec.stage is not Stage.RETRAIN or spec.number or not row.ok or row.score is None:
            continue
        best = found.get(spec.variant)
        if best is None or pair.metric.gain(row.score, best.score or 0.0) > 0:
            found[spec.variant] = row
    return found


def _preferred(pair: PairPlan, verdict: Any) -> str | None:
    numbers = verdict.get("verdict", {}) if isinstance(verdict, Mapping) else {}
    place = _BETTER.get(str(numbers.get("decision")))
    return None if place is None else pair.variants[place]


def _logged(client: Any, experiment_id: str, row: TrialResult) -> Any | None:
    found = client.search_logged_models(
        experiment_ids=[experiment_id], filter_string=f"tags.`{TRIAL_TAG}` = '{row.spec.id}'"
    )
    return found[0] if found else None


def _find_or_create(client: Any, ledger: ExperimentLedger, pair: PairPlan, sentence: str) -> str:
    """The registered model of a pair; another ledger's of the same name is left alone."""
    from mlflow.exceptions import MlflowException

    plain = (
        f"archduel {ledger.key} {pair.name}" if pair.name != ledger.key else f"archduel {pair.name}"
    )
    for name in (plain, f"{plain} {ledger.uuid[:8]}"):
        try:
            found = client.get_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            client.create_registered_model(name, tags={LEDGER_TAG: ledger.uuid, "pair": pair.name})
        else:
            if found.tags.get(LEDGER_TAG) != ledger.uuid:
                continue
        client.update_registered_model(name, clipped(f"{pair.title}. {sentence}"))
        return name
    raise AssertionError("a name that ends in this ledger's identity is its own")


def _version(client: Any, name: str, row: TrialResult, model: Any, source: str) -> str:
    """The version that is this trial's model, made where there is none."""
    for known in client.search_model_versions(f"name = '{name}'"):
        if known.tags.get(TRIAL_TAG) == row.spec.id:
            return str(known.version)
    spec = row.spec
    made = client.create_model_version(
        name,
        source=source,
        run_id=model.source_run_id,
        model_id=model.model_id,
        tags={TRIAL_TAG: spec.id, "variant": spec.variant, "repetition": str(spec.repetition)},
        description=f"{spec.variant}, retrained winner of repetition {spec.repetition}: the best of all "
        "repetitions on validation data",
    )
    return str(made.version)


def _alias(variant: str) -> str:
    """A variant's name as MLflow takes aliases."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", variant)
