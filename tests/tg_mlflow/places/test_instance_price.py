"""What a price list may answer, as bad as it may be; the emulator in ``tests/integration`` has a good one."""

import json
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from tg.common.delivery.sagemaker.aws.session import AwsSession
from tg_mlflow.places import instance_price
from tg_mlflow.places.instance_price import InstancePrice, find_instance_price

pytestmark = pytest.mark.starts_process

SOURCE = "AWS price list (AmazonSageMaker, eu-central-1, on demand)"


class PriceList:
    """A server whose answer to every call is the same."""

    def __init__(self) -> None:
        self.status = 200
        self.answer: Any = {"PriceList": []}
        self.requests: list[dict[str, Any]] = []
        self.regions: list[str] = []
        self.may_answer = threading.Event()
        self.may_answer.set()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                owner.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                owner.regions.append(self.headers["Authorization"].split("/")[2])
                owner.may_answer.wait(20)
                body = owner.answer if isinstance(owner.answer, bytes) else json.dumps(owner.answer).encode()
                self.send_response(owner.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def say(self, *products: Any) -> None:
        self.answer = {"PriceList": [each if isinstance(each, str) else json.dumps(each) for each in products]}


def product(unit: str = "Hrs", **prices: str) -> dict[str, Any]:
    return {"terms": {"OnDemand": {"A.B": {"priceDimensions": {"A.B.C": {"unit": unit, "pricePerUnit": prices}}}}}}


@pytest.fixture
def price_list(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[PriceList]:
    served = PriceList()
    threading.Thread(target=served.server.serve_forever, args=(0.05,), daemon=True).start()
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL_PRICING", served.url)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "anything")
    yield served
    served.may_answer.set()
    served.server.shutdown()
    served.server.server_close()


def ask(region: str = "eu-central-1") -> InstancePrice:
    return find_instance_price(AwsSession(region), "ml.m5.large")


def test_it_is_asked_for_training_on_the_machine_in_the_region(price_list: PriceList) -> None:
    price_list.say(product(USD="0.1380000000"))
    assert ask() == InstancePrice(Decimal("0.138"), SOURCE)
    assert price_list.requests == [
        {
            "ServiceCode": "AmazonSageMaker",
            "Filters": [
                {"Type": "TERM_MATCH", "Field": "instanceName", "Value": "ml.m5.large"},
                {"Type": "TERM_MATCH", "Field": "regionCode", "Value": "eu-central-1"},
                {"Type": "TERM_MATCH", "Field": "component", "Value": "Training"},
            ],
        }
    ]


@pytest.mark.parametrize(
    ("region", "served"),
    [("eu-central-1", "eu-central-1"), ("eu-west-1", "us-east-1"), ("cn-north-1", "cn-northwest-1")],
)
def test_it_is_asked_where_prices_are_served(price_list: PriceList, region: str, served: str) -> None:
    ask(region)
    assert price_list.regions == [served]


def test_the_session_that_is_given_is_used(price_list: PriceList, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    session = boto3.Session("key", "secret", region_name="us-east-1")
    price_list.say(product(USD="0.115"))
    assert find_instance_price(AwsSession(session=session), "ml.m5.large").usd_per_hour == Decimal("0.115")


def test_of_several_prices_the_highest_counts(price_list: PriceList) -> None:
    price_list.say(product(USD="0"), product(USD="0.2"), product(USD="0.3"), product("GB-Mo", USD="9"), {"terms": {}})
    assert ask().usd_per_hour == Decimal("0.3")


def test_a_sum_is_exact_and_its_bound_is_rounded_up() -> None:
    price = InstancePrice(Decimal("0.1380000000"))
    assert (price.usd_per_hour_of(3), price.usd_at_most(3, 86_400)) == (Decimal("0.414"), Decimal("9.94"))
    assert price.usd_at_most(1, 1) == Decimal("0.01")
    assert (InstancePrice().usd_per_hour_of(3), InstancePrice().usd_at_most(3, 60)) == (None, None)


@pytest.mark.parametrize(
    ("status", "answer", "problem"),
    [
        (200, {"PriceList": []}, "AWS lists no price in USD for training on ml.m5.large in eu-central-1"),
        (
            200,
            {"PriceList": [json.dumps(product(CNY="1"))]},
            "AWS lists no price in USD for training on ml.m5.large in eu-central-1",
        ),
        (200, {"PriceList": ["{}"]}, "AWS's price list cannot be read (KeyError: 'terms')"),
        (200, {"PriceList": ["["]}, "AWS's price list cannot be read (JSONDecodeError: Expecting value: line 1 "),
        (200, {"PriceList": [json.dumps(product(USD="much"))]}, "AWS's price list cannot be read (InvalidOperation:"),
        (200, b"<html>\nwelcome", "AWS's price list cannot be read (KeyError: 'PriceList')"),
        (
            400,
            {"__type": "AccessDeniedException", "Message": "User: x is not authorized to perform: pricing:GetProducts"},
            "access is denied: User: x is not authorized to perform: pricing:GetProducts; ask for that permission, or "
            "use other credentials",
        ),
        (500, {"__type": "InternalErrorException", "Message": "no"}, "GetProducts answers InternalErrorException: no"),
    ],
)
def test_a_price_that_is_not_known_is_told_in_one_line(
    price_list: PriceList, status: int, answer: Any, problem: str
) -> None:
    price_list.status, price_list.answer = status, answer
    found = ask()
    assert (found.usd_per_hour, found.source) == (None, None)
    assert found.problem is not None
    assert found.problem.startswith(f"price unknown: {problem}")
    assert "\n" not in found.problem
    assert len(price_list.requests) <= 2


def test_without_credentials_or_a_price_list_it_is_not_known(
    price_list: PriceList, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask("us-gov-west-1").problem == "price unknown: AWS has no price list for us-gov-west-1"
    monkeypatch.setenv("AWS_ENDPOINT_URL_PRICING", "no address")
    assert ask().problem == "price unknown: AWS's price list cannot be read (ValueError: Invalid endpoint: no address)"
    monkeypatch.setenv("AWS_ENDPOINT_URL_PRICING", price_list.url)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert str(ask().problem).startswith("price unknown: no AWS credentials are found; run `aws configure`")
    assert price_list.requests == []


def test_a_price_list_that_does_not_answer_is_not_waited_for(
    price_list: PriceList, monkeypatch: pytest.MonkeyPatch
) -> None:
    price_list.may_answer.clear()
    monkeypatch.setattr(instance_price, "_MOST_SECONDS", 0.5)
    began = time.monotonic()
    assert ask().problem == "price unknown: AWS's price list has not answered in 0.5 seconds"
    assert time.monotonic() - began < 3
