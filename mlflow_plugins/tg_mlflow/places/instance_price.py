"""Looks up the price of a machine for training in AWS's price list.

Source: the AWS Price List Query API, GetProducts. Few regions serve it, and each of them knows all prices.
"""

import json
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any

from tg.common import DeliveryError
from tg.common.delivery.sagemaker.aws.session import AwsSession
from tg.common.exception_text import describe_exception

_SERVICE = "AmazonSageMaker"
_USUAL_REGION = "us-east-1"
_CONNECT_SECONDS = 2
_READ_SECONDS = 3
_ATTEMPTS = 2
_MOST_SECONDS = 6
_UNKNOWN = "price unknown"


@dataclass(frozen=True)
class InstancePrice:
    """The price of a machine, or why it is unknown.

    Attributes:
        usd_per_hour: The on-demand price of one machine; ``None`` if it is unknown.
        source: The source of the price; ``None`` if there is none.
        problem: Why it is unknown, in one line.
    """

    usd_per_hour: Decimal | None = None
    source: str | None = None
    problem: str | None = None

    def usd_per_hour_of(self, count: int) -> Decimal | None:
        """Returns the price of several machines for an hour."""
        return None if self.usd_per_hour is None else self.usd_per_hour * count

    def usd_at_most(self, count: int, seconds: int) -> Decimal | None:
        """Returns the price of several machines for a time, rounded up to a cent."""
        if self.usd_per_hour is None:
            return None
        return (self.usd_per_hour * count * seconds / 3600).quantize(Decimal("0.01"), ROUND_CEILING)


def find_instance_price(aws: AwsSession, instance_type: str) -> InstancePrice:
    """Looks up a machine's price in the region where jobs run; never fails, and takes 6 seconds at most.

    Args:
        aws: The account; it needs the permission ``pricing:GetProducts``.
        instance_type: Such as ``ml.m5.large``.
    """
    found: list[InstancePrice] = []
    # A connection's timeout is not enough: the host name's lookup may take long.
    asking = threading.Thread(target=lambda: found.append(_ask(aws, instance_type)), daemon=True)
    asking.start()
    asking.join(_MOST_SECONDS)
    return found[0] if found else _unknown(f"AWS's price list has not answered in {_MOST_SECONDS} seconds")


def _ask(aws: AwsSession, instance_type: str) -> InstancePrice:
    try:
        served = aws.call(_UNKNOWN, lambda: _find_region(aws))
        if served is None:
            return _unknown(f"AWS has no price list for {aws.region}")
        products = aws.call(_UNKNOWN, lambda: _list_products(aws, served, instance_type))
        prices = list(_read_prices(products))
    except DeliveryError as error:
        return InstancePrice(problem=str(error))
    except Exception as error:  # noqa: BLE001 - a missing price must not fail anything
        return _unknown(f"AWS's price list cannot be read ({describe_exception(error)})")
    if not prices:
        return _unknown(f"AWS lists no price in USD for training on {instance_type} in {aws.region}")
    source = f"AWS price list ({_SERVICE}, {aws.region}, on demand)"
    return InstancePrice(max(prices), source)  # of several listed prices, the highest


def _find_region(aws: AwsSession) -> str | None:
    """Returns a region that serves prices to this account; the jobs' own region, if possible."""
    session = aws.session
    served = session.get_available_regions("pricing", session.get_partition_for_region(aws.region))
    return next((each for each in (aws.region, _USUAL_REGION, *served) if each in served), None)


def _list_products(aws: AwsSession, served: str, instance_type: str) -> list[str]:
    from botocore.config import Config

    retries = {"mode": "standard", "total_max_attempts": _ATTEMPTS}
    config = Config(connect_timeout=_CONNECT_SECONDS, read_timeout=_READ_SECONDS, retries=retries)
    client = aws.session.client("pricing", region_name=served, config=config)
    wanted = {"instanceName": instance_type, "regionCode": aws.region, "component": "Training"}
    filters = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in wanted.items()]
    pages = client.get_paginator("get_products").paginate(
        ServiceCode=_SERVICE, Filters=filters, PaginationConfig={"MaxItems": 100}
    )
    return [product for page in pages for product in page["PriceList"]]


def _read_prices(products: Iterable[str]) -> Iterator[Decimal]:
    """Yields the on-demand prices of products, in USD per hour, without those of free tiers."""
    for product in products:
        offers: dict[str, Any] = json.loads(product)["terms"].get("OnDemand", {})
        for offer in offers.values():
            for dimension in offer["priceDimensions"].values():
                price = Decimal(dimension["pricePerUnit"].get("USD", "0"))
                if dimension["unit"].lower() in ("hrs", "hours", "hour") and price > 0:
                    yield price


def _unknown(reason: str) -> InstancePrice:
    return InstancePrice(problem=" ".join(f"{_UNKNOWN}: {reason}".split()))
