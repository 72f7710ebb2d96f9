"""Our places pass the contract of all."""

from typing import Any

import pytest

from tg_mlflow.testing.place_contract import PlaceContract


class TestAttachedPlace(PlaceContract):
    @pytest.fixture
    def name(self) -> str:
        return "tg-attached"

    @pytest.fixture
    def given(self) -> dict[str, Any]:
        return {"dataset": "data.parquet"}


class TestProcessPlace(PlaceContract):
    @pytest.fixture
    def name(self) -> str:
        return "tg-process"

    @pytest.fixture
    def given(self) -> dict[str, Any]:
        return {"stop_grace_seconds": 2.5, "environment": {"COLOUR": "red"}, "detach": True}


class TestLocalPlace(PlaceContract):
    @pytest.fixture
    def name(self) -> str:
        return "tg-local"

    @pytest.fixture
    def given(self) -> dict[str, Any]:
        return {"docker_host": "tcp://localhost:1", "stop_grace_seconds": 2.5, "cpus": 2, "memory": "4g", "gpus": "all"}


class TestSagemakerPlace(PlaceContract):
    @pytest.fixture
    def name(self) -> str:
        return "tg-sagemaker"

    @pytest.fixture
    def given(self) -> dict[str, Any]:
        return {
            "region": "eu-central-1",
            "metrics_from": "all",
            "job_name": "mine",
            "fallback_instance_types": ["ml.m5.xlarge"],
            "vpc": {"subnets": ["subnet-1"], "security_group_ids": ["sg-1"]},
        }
