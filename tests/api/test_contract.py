"""The OpenAPI document is true: whatever schemathesis makes of it, the service answers as it says."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.contracts.entry import Submission
from tests.api.service_rig import CONFIG, Rig

QUICK, THOROUGH = 2, 150
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
]


def check_everything(folder: Path, examples: int) -> dict[str, int]:
    """Ask every operation what fits the document, and what does not.

    Args:
        folder: for the service.
        examples: of each operation and of each of the two kinds.

    Returns:
        By operation, how many requests were answered.
    """
    rig = Rig(folder / "service")
    schema = schemathesis.openapi.from_dict(rig.app.openapi())
    schema.app = rig.app
    asked: dict[str, int] = {}
    for number, result in enumerate(schema.get_all_operations()):
        operation = result.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                cases = operation.as_strategy(generation_mode=mode)
            except Exception as error:
                raise AssertionError(f"{operation.label}: {error}") from error
            asked[operation.label] = asked.get(operation.label, 0) + _check(
                rig, cases, mode, examples, number
            )
    return asked


def _check(rig: Rig, cases, mode: GenerationMode, examples: int, number: int) -> int:
    numbers, answered = count(), 0

    def ended() -> str:
        """An experiment that is there and has ended, so that its stream ends, too."""
        config = f"{CONFIG}# {number} {mode.value} {next(numbers)}\n"
        entry, _ = rig.queue.submit(Submission("sam", "tiny", config))
        rig.queue.cancel(entry.id)
        return entry.id

    with TestClient(rig.app) as client:

        @given(case=cases, known=st.booleans())
        @settings(
            max_examples=examples, deadline=None, database=None, derandomize=True,
            phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        def ask(case, known: bool) -> None:
            nonlocal answered
            if known and mode is GenerationMode.POSITIVE and "id" in case.path_parameters:
                case.path_parameters["id"] = ended()
            response = case.call(session=client, headers=rig.bearer("ada"))
            case.validate_response(response, checks=CHECKS)
            answered += 1

        with suppress(Unsatisfiable):  # nothing can be said to it that does not fit
            ask()
    return answered


def test_every_answer_is_one_that_the_document_names(tmp_path: Path) -> None:
    asked = check_everything(tmp_path, QUICK)
    assert len(asked) >= 16
    assert all(asked.values()), asked


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_answer_is_one_that_the_document_names_thoroughly(tmp_path: Path) -> None:
    asked = check_everything(tmp_path, THOROUGH)
    assert sum(asked.values()) > 2_000, asked


def test_the_document_is_served_to_who_has_a_token(rig: Rig, client) -> None:
    assert client.get("/v1/openapi.json").status_code == 401
    document = client.get("/v1/openapi.json", headers=rig.bearer("vera")).json()
    assert set(document["paths"]["/v1/experiments"]) == {"get", "post"}
    assert "adu_" not in json.dumps(document).replace("archduel service token", "")
