"""Hyperparameter proposals from Optuna as a pure function: the same arguments, the same proposals.

Nothing lives between two calls. Each call rebuilds the study in memory from the history, in its
order, and asks a sampler that is seeded anew; so a resumed campaign repeats what it would have
asked, whatever finished first and whatever was killed.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from service.contracts.errors import ArchduelError, UserError
from service.contracts.pair import Hyperparameters, Scalar
from service.contracts.plan import RangePlan
from service.contracts.ports import Told
from service.contracts.trial import Status

if TYPE_CHECKING:
    import optuna

_STARTUP_LEAST, _STARTUP_MOST = 4, 10
_SEEDS = 2**32  # numpy's RandomState, which Optuna's samplers use, takes no larger seed
_quiet = threading.Lock()


def propose(
    space: Mapping[str, RangePlan],
    history: Sequence[Told],
    *,
    count: int,
    seed: int,
    sampler: str,
    direction: str,
) -> list[Hyperparameters]:
    """Propose `count` trials after `history`; implements `contracts.ports.Proposer`.

    Trials that ended ok are told as complete, pruned ones as pruned with their curve (Optuna ranks
    them behind the complete ones, by how far they came), all others as failed, which TPE ignores.

    TPE is multivariate: one density over all hyperparameters, so that it can learn that two belong
    together (a large width wants a small learning rate). It is not grouped: groups are for spaces
    whose keys vary from trial to trial, and here every trial of a variant has every key. The trials
    of one call are pending while the next are asked; `constant_liar` counts them among the bad
    ones, so that a batch spreads instead of proposing one place `count` times. The first
    `startup_trials(space)` finished trials are drawn at random.

    Args:
        space: ranges by hyperparameter; the order of its keys is irrelevant.
        history: the study's finished trials, told in this order.
        count: how many to propose.
        seed: of the sampler; different for each batch of a study.
        sampler: "tpe" or "random".
        direction: "maximize" or "minimize".

    Returns:
        Hyperparameters by name as plain bool, int, float and str.

    Raises:
        UserError: an unknown sampler.
        ArchduelError: a trial of the history does not lie in the space.
    """
    import optuna

    quieten(optuna)
    distributions = {name: coded(name, space[name]) for name in sorted(space)}
    study = optuna.create_study(
        storage=optuna.storages.InMemoryStorage(),
        sampler=_sampler(sampler, seed % _SEEDS, space),
        direction=direction,
    )
    study.add_trials([frozen(told, space, distributions) for told in history])
    proposals = [study.ask(distributions).params for _ in range(count)]
    return [
        {name: _decode(space[name], params[name]) for name in sorted(space)} for params in proposals
    ]


def startup_trials(space: Mapping[str, RangePlan]) -> int:
    """How many finished trials TPE wants before it guides: one per searched hyperparameter, 4 to 10.

    Optuna's default is 10 whatever the space
    (https://optuna.readthedocs.io/en/stable/reference/samplers/generated/optuna.samplers.TPESampler.html),
    which leaves a budget of a dozen trials nearly all random. Below 4 the densities of good and bad
    trials would rest on one point and two. One toy measurement supports it, no more: mean regret on
    noiseless quadratic bowls, 40 searches each in batches of 4, with 4 / 6 / 10 start-up trials:

        2 hyperparameters: .094 .118 .118 (8 trials), .048 .049 .075 (12), .004 .006 .008 (24)
        4 hyperparameters: .293 .269 .269 (8 trials), .184 .181 .203 (12), .078 .082 .074 (24)
        6 hyperparameters: .556 .577 .577 (8 trials), .433 .476 .501 (12), .201 .231 .208 (24)

    Growing with the space is caution about noise and several optima, which it did not cover.
    """
    searched = sum(1 for plan in space.values() if not is_fixed(plan))
    return min(_STARTUP_MOST, max(_STARTUP_LEAST, searched))


def is_fixed(plan: RangePlan) -> bool:
    """Whether the range holds a single value."""
    return len(plan.values) == 1 if plan.kind == "choice" else plan.low == plan.high


def bounds(name: str, plan: RangePlan) -> tuple[float, float]:
    """The lowest and the highest value of a range that is not a choice.

    Raises:
        ArchduelError: the plan gives none.
    """
    if plan.low is None or plan.high is None:
        raise ArchduelError(f"the range of '{name}' needs a low and a high bound")
    return plan.low, plan.high


def load() -> None:
    """Load Optuna, which takes a while, before it is needed."""
    import optuna  # noqa: F401


def quieten(optuna: Any) -> None:
    """Keep Optuna from logging every study and trial it creates; warnings still come through."""
    with _quiet:
        optuna.logging.set_verbosity(optuna.logging.WARNING)


def _sampler(name: str, seed: int, space: Mapping[str, RangePlan]) -> optuna.samplers.BaseSampler:
    import optuna

    if name == "tpe":
        return optuna.samplers.TPESampler(
            seed=seed,
            n_startup_trials=startup_trials(space),
            multivariate=True,
            group=False,
            constant_liar=True,
        )
    if name == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    raise UserError("the sampler must be 'tpe' or 'random'", key="search.sampler", value=name)


def coded(name: str, plan: RangePlan) -> optuna.distributions.BaseDistribution:
    """The range as Optuna sees it; a choice is the position of its value.

    Optuna finds a categorical value by equality, and to Python 1, 1.0 and True are equal.
    """
    import optuna.distributions as distributions

    if plan.kind == "choice":
        return distributions.CategoricalDistribution(range(len(plan.values)))
    low, high = bounds(name, plan)
    if plan.kind == "whole":
        return distributions.IntDistribution(int(low), int(high), log=plan.log)
    return distributions.FloatDistribution(low, high, log=plan.log)


def _encode(name: str, plan: RangePlan, value: Scalar) -> int | float | str | bool:
    if plan.kind != "choice":
        return value
    same = [i for i, one in enumerate(plan.values) if type(one) is type(value) and one == value]
    equal = [i for i, one in enumerate(plan.values) if one == value]
    if not equal:
        raise ArchduelError(
            f"a recorded trial has {name}={value!r}, which is not among its choices"
        )
    return (same or equal)[0]


def _decode(plan: RangePlan, value: Any) -> Scalar:
    if plan.kind == "choice":
        return plan.values[int(value)]
    return int(value) if plan.kind == "whole" else float(value)


def frozen(
    told: Told,
    space: Mapping[str, RangePlan],
    distributions: Mapping[str, optuna.distributions.BaseDistribution],
) -> optuna.trial.FrozenTrial:
    """A recorded trial as Optuna keeps one.

    Raises:
        ArchduelError: it does not lie in the space.
    """
    import optuna

    missing = [name for name in space if name not in told.hyperparameters]
    if missing:
        raise ArchduelError(f"a recorded trial lacks the hyperparameters {', '.join(missing)}")
    params = {
        name: _encode(name, space[name], told.hyperparameters[name]) for name in distributions
    }
    state, value, curve = optuna.trial.TrialState.FAIL, None, told.curve
    if told.status is Status.OK and told.score is not None:
        state, value = optuna.trial.TrialState.COMPLETE, told.score
    elif told.status is Status.PRUNED:
        state = optuna.trial.TrialState.PRUNED
    try:
        return optuna.trial.create_trial(
            state=state,
            value=value,
            params=params,
            distributions=dict(distributions),
            intermediate_values=dict(enumerate(curve)),
        )
    except ValueError as error:
        raise ArchduelError(f"a recorded trial does not fit its search space: {error}") from error
