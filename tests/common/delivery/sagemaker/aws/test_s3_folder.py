"""Folders of checkpoints that go to S3 and come back."""

from pathlib import Path

import boto3
import pytest

from tg.common import DeliveryError
from tg.common.delivery.sagemaker.aws.s3_folder import fetch_folder, send_folder
from tg.common.delivery.sagemaker.aws.s3_location import S3Location
from tg.common.delivery.sagemaker.aws.session import AwsSession

PLACE = S3Location("pail", "walk/checkpoints")


def test_a_folder_comes_back_as_it_was_sent(aws: AwsSession, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "sent" / "tg-mlflow").mkdir(parents=True)
    (tmp_path / "sent" / "tg-mlflow" / "000001.pkl").write_text("state")
    (tmp_path / "sent" / "mine.txt").write_text("mine")
    send_folder(aws, tmp_path / "sent", PLACE)
    boto3.client("s3").put_object(Bucket="pail", Key="walk/checkpoints-of-others/1", Body=b"")
    fetch_folder(aws, PLACE, tmp_path / "fetched")
    files = {path.relative_to(tmp_path / "fetched").as_posix() for path in (tmp_path / "fetched").rglob("*.*")}
    assert files == {"tg-mlflow/000001.pkl", "mine.txt"}
    assert (tmp_path / "fetched" / "tg-mlflow" / "000001.pkl").read_text() == "state"
    send_folder(aws, tmp_path / "sent", PLACE)  # a submission that is tried again
    (tmp_path / "sent" / "mine.txt").unlink()
    with pytest.raises(DeliveryError) as error:
        send_folder(aws, tmp_path / "sent", PLACE)
    assert str(error.value) == (
        "'s3://pail/walk/checkpoints' has other checkpoints already, such as 'walk/checkpoints/mine.txt', and the "
        "training is to go on from those of another run; name an address where nothing is in checkpoints, or give true"
    )


def test_an_object_whose_name_leads_out_of_the_folder_is_refused(aws: AwsSession, bucket: str, tmp_path: Path) -> None:
    boto3.client("s3").put_object(Bucket="pail", Key="walk/checkpoints/../state", Body=b"")
    with pytest.raises(DeliveryError) as error:
        fetch_folder(aws, PLACE, tmp_path)
    assert "'walk/checkpoints/../state'" in str(error.value)
    assert list(tmp_path.iterdir()) == []
