"""What a plan asks of a machine, held against what the machine has."""

from __future__ import annotations

from service.contracts.plan import Plan
from service.plan.load import LoadedConfig


def check_resources(plan: Plan, config: LoadedConfig, cpus: float, gpus: float) -> None:
    """Refuse a plan whose trials fit nowhere; how many run at once is not its business.

    Args:
        plan: what is to be run.
        config: where it comes from, for the line in an error.
        cpus: CPUs of this machine, or of the cluster's largest node.
        gpus: GPUs of this machine, or of the cluster's largest node.

    Raises:
        UserError: a trial asks for more than that.
    """
    asked = {
        "cpus_per_trial": (float(plan.resources.cpus_per_trial), cpus, "CPU"),
        "gpus_per_trial": (plan.resources.gpus_per_trial, gpus, "GPU"),
    }
    for key, (wanted, there, unit) in asked.items():
        if wanted > there:
            have = f"{there:g} {unit}{'' if there == 1 else 's'}" if there else f"no {unit}"
            raise config.error(
                ("resources", key),
                f"asks for {wanted:g} {unit}{'' if wanted == 1 else 's'}, but the largest node has "
                f"{have}",
                hint=f"lower it to {there:g} or run on a larger node",
            )
