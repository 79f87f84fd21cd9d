"""Print proposals for one fixed history; run in another process with another hash seed."""

import json

from service.stores.optuna_search import propose
from tests.stores.test_optuna_search import HISTORY, SPACE

space = dict(reversed(SPACE.items()))
print(
    json.dumps(
        propose(space, HISTORY, count=5, seed=2**63 + 5, sampler="tpe", direction="maximize")
    )
)
