"""Requests that schemathesis makes from /openapi.json, valid and invalid, without a socket.

Each is sent by the owner, and every third one again by nobody and by a stranger. The ids in the
paths are real every other time, so that more than the 404 is met.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, Config, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from fuzz.outcome import Outcome
from fuzz.world import CANARY, World

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
SETTINGS = {
    "generation": {"with-security-parameters": False},  # keys are ours to choose
    "checks": {
        "negative_data_rejection": {
            # 412: an older revision is told before the body is read.
            "expected-statuses": [400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422]
        }
    },
}
# Replayed once for nobody and once for a stranger.
REPLAYED = 3
_COST = 1 + 2 / REPLAYED
_EVERYWHERE = ("x-content-type-options", "content-security-policy", "x-request-id")


def document(app: Any) -> Any:
    """The OpenAPI document of a WSGI application, ready to make requests from."""
    config = Config.from_dict(SETTINGS)
    return schemathesis.openapi.from_wsgi("/openapi.json", app, config=config)


def run(schema: Any, world: World, *, requests_wanted: int, number: int) -> Outcome:
    """About `requests_wanted` requests over all operations of `schema`, drawn from seed `number`."""
    outcome = Outcome("contract")
    operations = [found.ok() for found in schema.get_all_operations()]
    examples = max(1, round(requests_wanted / _COST / len(operations) / 2))
    sender = Sender(world, outcome)
    for operation in operations:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            _exercise(operation.as_strategy(generation_mode=mode), sender, examples, number)
        world.mend()
    return outcome


def _exercise(strategy: Any, sender: Sender, examples: int, number: int) -> None:
    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def send(case: Case) -> None:
        sender.send(case)

    try:
        send()
    except Unsatisfiable:
        pass  # nothing can be wrong about a route without parameters


class Sender:
    """Sends cases and judges what comes back."""

    def __init__(self, world: World, outcome: Outcome) -> None:
        self._world, self._outcome = world, outcome
        self._numbers = count()

    def send(self, case: Case) -> None:
        number = next(self._numbers)
        aimed = number % 2 == 0 and self._aim(case)
        if "wait" in case.query:
            case.query["wait"] = 0  # nobody has the time
        response = self._call(case, self._world.owner)
        what = f"{case.method} {case.path} as {response.request.url}"
        # A real id in its place may have been all that was wrong with a case.
        checks = CHECKS[:-1] if aimed else CHECKS
        try:
            case.validate_response(response, checks=checks, headers=self._world.owner)
        except FailureGroup as group:
            self._outcome.problems += [f"{what}: {_said(f)}" for f in group.exceptions]
        missing = [name for name in _EVERYWHERE if name not in response.headers]
        if missing:
            self._outcome.problems.append(f"{what}: without {missing}")
        if number % REPLAYED == 0:
            self._replay(case, what)

    def _replay(self, case: Case, what: str) -> None:
        scope = case.operation.definition.raw["x-scope"]
        if case.path.endswith("/sharing"):
            self._world.unshare()
        nobody = self._call(case, {})
        # What is malformed may be refused before anybody asks for a key.
        if scope != "public" and nobody.status_code < 400:
            self._outcome.bypassed(f"{what} without a key: {nobody.status_code}")
        stranger = self._call(case, self._world.stranger)
        if scope in ("admin", "operate") and stranger.status_code < 400:
            self._outcome.bypassed(f"{what} without the scope: {stranger.status_code}")
        for who, answer in (("nobody", nobody), ("a stranger", stranger)):
            if CANARY in answer.text and CANARY not in _sent(answer):
                self._outcome.bypassed(f"{what}: {who} reads what is the owner's")

    def _call(self, case: Case, headers: Mapping[str, str]) -> Response:
        case.headers.pop("Authorization", None)
        response = case.call(headers=dict(headers))
        self._outcome.answered(response.status_code, f"{case.method} {response.request.url}")
        return response

    def _aim(self, case: Case) -> bool:
        """Name what exists in the path; whether there was a name to give."""
        if "id" in case.path_parameters:
            keys = "/keys/" in case.path
            case.path_parameters["id"] = self._world.victim if keys else self._world.search
        elif "name" in case.path_parameters and "/datasets/" in case.path:
            case.path_parameters["name"] = CANARY
        else:
            return False
        return True


def _sent(response: Response) -> str:
    """What the request said itself: an error may repeat it."""
    body = response.request.body or b""
    text = body if isinstance(body, str) else body.decode(errors="replace")
    return f"{response.request.url} {text}"


def _said(failure: Failure | BaseException) -> str:
    return " ".join(f"{type(failure).__name__}: {failure}".split())[:400]
