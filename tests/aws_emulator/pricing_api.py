"""Answers ``GetProducts`` of AWS's price list: a few products, found by their attributes."""

import json
from collections.abc import Mapping
from typing import Any

from tests.aws_emulator.api_call import ApiCall
from tests.aws_emulator.api_error import ApiError
from tests.aws_emulator.gateway import Handler

SERVED_IN = ("us-east-1", "eu-central-1", "ap-south-1")

# Instance type, region, component, price in USD an hour. That for training is not that for hosting.
_PRODUCTS = (
    ("ml.m5.large", "eu-central-1", "Training", "0.1380000000"),
    ("ml.m5.large", "eu-central-1", "Hosting", "0.1500000000"),
    ("ml.m5.large", "us-east-1", "Training", "0.1150000000"),
    ("ml.c5.xlarge", "eu-central-1", "Training", "0.0000000000"),  # as in a free tier
    ("ml.c5.xlarge", "eu-central-1", "Training", "0.2330000000"),
    ("ml.m5.xlarge", "eu-central-1", "Hosting", "0.2760000000"),
)


class PricingApi:
    """Serves prices in the regions where AWS does."""

    @property
    def handlers(self) -> dict[str, Handler]:
        """By the name of a call."""
        return {"pricing:GetProducts": self.get_products}

    def get_products(self, call: ApiCall) -> dict[str, Any]:
        """Answers a call.

        Raises:
            ApiError: If prices are not served there.
        """
        if call.region not in SERVED_IN:
            raise ApiError("UnknownEndpoint", f"There is no endpoint of the service in {call.region}.", 404)
        wanted = {each["Field"]: each["Value"] for each in call.parameters.get("Filters", ())}
        products = [_describe(number, *product) for number, product in enumerate(_PRODUCTS)]
        found = [each for each in products if wanted.items() <= each["product"]["attributes"].items()]
        if call.parameters.get("ServiceCode") != "AmazonSageMaker":
            found = []
        return {"FormatVersion": "aws_v1", "PriceList": [json.dumps(each) for each in found]}


def _describe(number: int, instance_type: str, region: str, component: str, price: str) -> Mapping[str, Any]:
    sku = f"SKU{number}"
    return {
        "product": {
            "productFamily": "ML Instance",
            "sku": sku,
            "attributes": {
                "instanceName": instance_type,
                "instanceType": f"{instance_type}-{component}",
                "regionCode": region,
                "component": component,
                "operation": "RunInstance",
                "servicecode": "AmazonSageMaker",
            },
        },
        "serviceCode": "AmazonSageMaker",
        "terms": {
            "OnDemand": {
                f"{sku}.JRTCKXETXF": {
                    "priceDimensions": {
                        f"{sku}.JRTCKXETXF.6YS6EN2CT7": {"unit": "Hrs", "pricePerUnit": {"USD": price}},
                    }
                }
            }
        },
    }
