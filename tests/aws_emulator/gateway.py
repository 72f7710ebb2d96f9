"""Stands before moto: records every call, applies faults, and answers itself what moto cannot."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from tests.aws_emulator.api_call import ApiCall, pass_over_body, read_call
from tests.aws_emulator.api_error import ApiError, access_denied, broken_down, throttled, token_expired, write_error
from tests.aws_emulator.call_record import Call, CallRecord
from tests.aws_emulator.faults import Faults
from tests.aws_emulator.server import WsgiApp
from tg.common.delivery.sagemaker.aws.clock import Clock

INTERNAL_KEY = "EMULATOR"
"""The access key id of the emulator's own calls: they are not recorded, and no fault meets them."""

ROLE_KEY = "ROLE"
"""The access key id of what SageMaker does in a job's role: it is recorded apart, and no fault meets it."""

_WITH_ROLE = ("sagemaker:CreateTrainingJob", "sagemaker:CreateHyperParameterTuningJob")

_SIMULATION = (
    '<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><SimulatePrincipalPolicyResult>'
    "<IsTruncated>false</IsTruncated><EvaluationResults><member><EvalActionName>iam:PassRole</EvalActionName>"
    "<EvalDecision>{}</EvalDecision></member></EvaluationResults></SimulatePrincipalPolicyResult>"
    "</SimulatePrincipalPolicyResponse>"
)
"""IAM's answer about one action, which moto does not give."""

Handler = Callable[[ApiCall], dict[str, Any]]
"""Answers a call of a JSON protocol.

Raises:
    ApiError: To refuse it.
"""


class Gateway:
    """A WSGI application.

    Args:
        moto: Answers what ``handlers`` does not.
        handlers: By the name of a call.
        record: Gets every call.
        faults: Asked before every call.
        texts: What is replaced in moto's answers of the service ECR.
        clock: What the calls' times are taken from.
    """

    def __init__(
        self,
        moto: WsgiApp,
        handlers: Mapping[str, Handler],
        record: CallRecord,
        faults: Faults,
        texts: Mapping[bytes, bytes],
        clock: Clock,
    ) -> None:
        self._clock = clock
        self.caller_arn = "arn:aws:iam::123456789012:user/unknown"
        self.role_calls: list[ApiCall] = []
        self._moto = moto
        self._handlers = handlers
        self._record = record
        self._faults = faults
        self._texts = texts

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").startswith("/moto-api"):
            return self._moto(environ, start_response)
        call = read_call(environ)
        if call.access_key == ROLE_KEY:
            self.role_calls.append(call)
        if call.access_key in (INTERNAL_KEY, ROLE_KEY):
            return self._answer(call, environ, start_response)
        moment = self._clock.monotonic()

        def record(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            self._record.append(Call(moment, call.service, call.operation, int(status.split()[0])))
            return start_response(status, headers, *rest)

        if (delay_seconds := self._faults.delay_of(call.name)) > 0:
            time.sleep(delay_seconds)
        refusal = self._find_fault(call)
        if refusal is not None:
            pass_over_body(environ)
            return _refuse(call, refusal, record)
        if self._faults.take("lose_answer", call.name):
            b"".join(self._answer(call, environ, lambda *ignored: None))
            return _refuse(call, broken_down(call), record)
        return self._answer(call, environ, record)

    def _find_fault(self, call: ApiCall) -> ApiError | None:
        if call.access_key in self._faults.expired_keys:
            return token_expired(call)
        if self._faults.is_denied(call.name) or self._faults.is_denied(call.action):
            return access_denied(call, self.caller_arn)
        if call.name in _WITH_ROLE and self._faults.is_denied("iam:PassRole"):
            role = str(call.parameters.get("RoleArn"))
            return access_denied(replace(call, service="iam", operation="PassRole", resource=role), self.caller_arn)
        if self._faults.policy is not None and not self._faults.policy(call):
            return access_denied(call, self.caller_arn)
        if self._faults.take("throttle", call.name):
            return throttled(call)
        if self._faults.take("break_down", call.name):
            return broken_down(call)
        return None

    def _answer(self, call: ApiCall, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        handler = self._handlers.get(call.name)
        if call.name == "iam:SimulatePrincipalPolicy":
            decision = "implicitDeny" if self._faults.is_denied("iam:PassRole") else "allowed"
            return _respond(200, "text/xml", _SIMULATION.format(decision).encode(), start_response)
        if handler is not None:
            try:
                return _respond(200, "application/x-amz-json-1.1", json.dumps(handler(call)).encode(), start_response)
            except ApiError as error:
                return _refuse(call, error, start_response)
        if call.service == "ecr":
            return self._answer_ecr(environ, start_response)
        return self._moto(environ, start_response)

    def _answer_ecr(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        answers: list[tuple[str, list[tuple[str, str]]]] = []
        body = b"".join(self._moto(environ, lambda status, headers, *rest: answers.append((status, headers))))
        for text, replacement in self._texts.items():
            body = body.replace(text, replacement)
        status, headers = answers[0]
        headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
        start_response(status, [*headers, ("Content-Length", str(len(body)))])
        return [body]


def _refuse(call: ApiCall, error: ApiError, start_response: Any) -> Iterable[bytes]:
    return _respond(error.status, *write_error(call, error), start_response)


def _respond(status: int, kind: str, body: bytes, start_response: Any) -> Iterable[bytes]:
    headers = [("Content-Type", kind), ("Content-Length", str(len(body))), ("x-amzn-RequestId", "emulator")]
    start_response(f"{status} {HTTPStatus(status).phrase}", headers)
    return [body]
