"""Jobs of the emulator in real containers."""

import boto3
import docker
import pytest
from botocore.exceptions import ClientError

from tests.aws_emulator import AwsEmulator
from tests.integration.aws.support import (
    BUCKET,
    build_channel,
    build_request,
    list_keys,
    list_members,
    list_streams,
    push_image,
    read_log,
)
from tests.processes import wait_for


@pytest.fixture
def image(aws: AwsEmulator, script_image: str) -> str:
    """An image that AWS is said to have."""
    name = "763104351884.dkr.ecr.eu-central-1.amazonaws.com/script:1"
    aws.images[name] = script_image
    return name


def test_an_image_on_its_way(aws: AwsEmulator, docker_daemon: docker.DockerClient, script_image: str) -> None:
    ecr, sagemaker = boto3.client("ecr"), boto3.client("sagemaker")
    uri = f"{aws.registry.address}/none:1"
    with pytest.raises(ClientError, match=r"\(ValidationException\).*Invalid image URI"):
        sagemaker.create_training_job(**build_request(aws, "pushed", image=uri))
    repository = ecr.create_repository(repositoryName="team/train")["repository"]["repositoryUri"]
    assert ecr.describe_repositories()["repositories"][0]["repositoryUri"] == repository
    with pytest.raises(ecr.exceptions.ImageNotFoundException):
        ecr.describe_images(repositoryName="team/train", imageIds=[{"imageTag": "1"}])
    with pytest.raises(ClientError, match=rf"\(ValidationException\).*Requested image {repository}:1 not found"):
        sagemaker.create_training_job(**build_request(aws, "pushed", image=f"{repository}:1"))
    other = repository.replace("team/train", "team/other")
    with pytest.raises(ClientError, match="Cannot find repository: team/other in registry ID: 123456789012"):
        sagemaker.create_training_job(**build_request(aws, "pushed", image=other))

    docker_daemon.images.get(script_image).tag(repository, "1")
    refused = list(docker_daemon.api.push(repository, "1", stream=True, decode=True))
    assert "no basic auth credentials" in refused[-1]["error"]
    digest = push_image(docker_daemon, script_image, repository)
    found = ecr.describe_images(repositoryName="team/train")["imageDetails"]
    assert [(each["imageDigest"], each["imageTags"]) for each in found] == [(digest, ["1"])]
    manifest = ecr.batch_get_image(repositoryName="team/train", imageIds=[{"imageTag": "1"}])["images"][0]
    assert manifest["imageId"] == {"imageTag": "1", "imageDigest": digest}
    docker_daemon.images.remove(f"{repository}:1")

    request = build_request(aws, "pushed", "print('hello from', __name__)", image=f"{repository}@{digest}")
    sagemaker.create_training_job(**request)
    assert aws.wait_for_status("pushed", "Completed", "Failed")["TrainingJobStatus"] == "Completed"
    assert read_log("pushed") == ["hello from __main__"]


def test_what_a_container_finds(aws: AwsEmulator, image: str) -> None:
    s3 = boto3.client("s3")
    for key in ("data/train/", "data/train/a.csv", "data/train/sub/b.csv", "data/train2/c.csv", "data/valid.csv"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
    script = """
        import json, os, pathlib, sys
        ml = pathlib.Path("/opt/ml")
        for path in sorted(ml.rglob("*"), key=str):
            if path.is_file(): print(path.relative_to(ml))
        read = lambda name: json.loads((ml / "input/config" / f"{name}.json").read_text())
        print(sorted(read("hyperparameters")), read("inputdataconfig")["valid"])
        print(read("resourceconfig")["current_host"], read("resourceconfig")["hosts"])
        print((ml / "input/data/valid/valid.csv").read_text(), sys.argv[1:])
        print([os.environ[name] for name in ("COLOUR", "TRAINING_JOB_NAME", "TRAINING_JOB_ARN", "AWS_REGION")])
    """
    channels = [
        build_channel("all", f"s3://{BUCKET}/data/tr"),
        build_channel("train", f"s3://{BUCKET}/data/train/"),
        build_channel("train_too", f"s3://{BUCKET}/data/train"),
        build_channel("valid", f"s3://{BUCKET}/data/valid.csv"),
    ]
    request = build_request(aws, "look", script, image, InputDataConfig=channels, Environment={"COLOUR": "blue"})
    boto3.client("sagemaker").create_training_job(**request)
    aws.wait_for_status("look", "Completed")
    assert read_log("look") == [
        "input/config/hyperparameters.json",
        "input/config/inputdataconfig.json",
        "input/config/resourceconfig.json",
        "input/data/all-manifest",
        "input/data/all/train/a.csv",
        "input/data/all/train/sub/b.csv",
        "input/data/all/train2/c.csv",
        "input/data/train-manifest",
        "input/data/train/a.csv",
        "input/data/train/sub/b.csv",
        "input/data/train_too-manifest",
        "input/data/train_too/a.csv",
        "input/data/train_too/sub/b.csv",
        "input/data/train_too/train2/c.csv",
        "input/data/valid-manifest",
        "input/data/valid/valid.csv",
        "['script'] {'ContentType': None, 'TrainingInputMode': 'File', "
        "'S3DistributionType': 'FullyReplicated', 'RecordWrapperType': 'None'}",
        "algo-1 ['algo-1']",
        "data/valid.csv ['train']",
        "['blue', 'look', 'arn:aws:sagemaker:eu-central-1:123456789012:training-job/look', 'eu-central-1']",
    ]


def test_what_a_container_leaves(aws: AwsEmulator, image: str) -> None:
    script = """
        import pathlib, sys
        for name in ("model/sub/weights", "output/data/plot", "output/failure"):
            path = pathlib.Path("/opt/ml", name)
            path.parent.mkdir(exist_ok=True)
            path.write_text("x" * 2000)
        sys.stdout.write("no end")
        sys.exit(len(sys.argv) - 1)
    """
    sagemaker = boto3.client("sagemaker")
    request = build_request(aws, "good", script, image)
    entrypoint = ["python3", "-c", "import base64, json; exec(base64.b64decode(json.load(open("]
    entrypoint[-1] += "'/opt/ml/input/config/hyperparameters.json'))['script']))"
    request["AlgorithmSpecification"]["ContainerEntrypoint"] = entrypoint
    sagemaker.create_training_job(**request)
    sagemaker.create_training_job(**build_request(aws, "bad", script, image))
    aws.wait_for_status("good", "Completed")
    assert list_keys("output/good") == ["output/good/output/model.tar.gz", "output/good/output/output.tar.gz"]
    assert list_members("output/good/output/model.tar.gz") == ["sub", "sub/weights"]
    assert list_members("output/good/output/output.tar.gz") == ["plot"]
    assert read_log("good") == ["no end"]
    job = aws.wait_for_status("bad", "Failed")
    assert job["FailureReason"] == f"AlgorithmError: {'x' * 1008}"
    assert list_keys("output/bad") == ["output/bad/output/output.tar.gz"]


@pytest.mark.alone_with_docker
@pytest.mark.parametrize(("is_heard", "lines"), [(True, ["ready", "stopping"]), (False, ["ready"])])
def test_a_stop(
    aws: AwsEmulator, image: str, docker_daemon: docker.DockerClient, is_heard: bool, lines: list[str]
) -> None:
    script = f"""
        import pathlib, signal, sys, time
        def stop(*arguments):
            if {is_heard}:
                print("stopping")
                pathlib.Path("/opt/ml/model/part").touch()
                sys.exit(143)
        signal.signal(signal.SIGTERM, stop)
        print("ready")
        while True: time.sleep(60)
    """
    aws.stop_seconds = 10 if is_heard else 0.5
    sagemaker = boto3.client("sagemaker")
    sagemaker.create_training_job(**build_request(aws, "one", script, image))
    wait_for(lambda: read_log("one") == ["ready"])
    sagemaker.stop_training_job(TrainingJobName="one")
    job = aws.wait_for_status("one", "Stopped", timeout_seconds=8)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert read_log("one") == lines
    assert list_keys("output/one") == (["output/one/output/model.tar.gz"] if is_heard else [])
    assert docker_daemon.containers.list(all=True, filters={"label": "tg-aws-emulator"}) == []


def test_checkpoints_outlive_an_interruption(aws: AwsEmulator, image: str) -> None:
    script = """
        import pathlib, time
        folder = pathlib.Path("/opt/ml/checkpoints")
        found = sorted(path.name for path in folder.iterdir())
        print("found", found)
        (folder / f"epoch-{len(found)}").touch()
        print("saved")
        if len(found) < 2: time.sleep(60)
    """
    place = f"s3://{BUCKET}/checkpoints/one"
    boto3.client("s3").put_object(Bucket=BUCKET, Key="checkpoints/one/epoch-0", Body=b"")
    request = build_request(
        aws, "one", script, image, CheckpointConfig={"S3Uri": place}, EnableManagedSpotTraining=True
    )
    request["StoppingCondition"]["MaxWaitTimeInSeconds"] = 600
    boto3.client("sagemaker").create_training_job(**request)
    wait_for(lambda: "saved" in read_log("one"))
    aws.interrupt_job("one")
    job = aws.wait_for_status("one", "Completed")
    assert "Interrupted" in [each["Status"] for each in job["SecondaryStatusTransitions"]]
    assert list_keys("checkpoints") == [f"checkpoints/one/epoch-{number}" for number in range(3)]
    assert len(list_streams("one")) == 2
    assert read_log("one") == ["found ['epoch-0']", "saved", "found ['epoch-0', 'epoch-1']", "saved"]


def test_an_image_without_the_program(aws: AwsEmulator, base_image: str) -> None:
    aws.images["plain"] = base_image
    boto3.client("sagemaker").create_training_job(**build_request(aws, "one", image="plain"))
    reason = aws.wait_for_status("one", "Failed")["FailureReason"]
    assert reason.startswith("AlgorithmError: ")
    assert reason.endswith(", exit code: 127")
    assert '"train": executable file not found in $PATH' in reason


def test_two_instances(aws: AwsEmulator, image: str) -> None:
    script = """
        import json, pathlib, socket, time
        config = json.load(open("/opt/ml/input/config/resourceconfig.json"))
        server = socket.create_server(("", 5000))
        other = "algo-2" if config["current_host"] == "algo-1" else "algo-1"
        for _ in range(300):
            try:
                socket.create_connection((other, 5000), 1)
                break
            except OSError:  # it has not come so far
                time.sleep(0.1)
        server.settimeout(30)
        server.accept()  # so neither ends before the other one has found it
        print(config["current_host"], "of", len(config["hosts"]))
        pathlib.Path("/opt/ml/model", config["current_host"]).touch()
    """
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 10}
    boto3.client("sagemaker").create_training_job(**build_request(aws, "two", script, image, ResourceConfig=resources))
    assert aws.wait_for_status("two", "Completed", "Failed")["TrainingJobStatus"] == "Completed"
    assert read_log("two") == ["algo-1 of 2", "algo-2 of 2"]
    assert [stream.split("/")[1][:7] for stream in list_streams("two")] == ["algo-1-", "algo-2-"]
    assert list_members("output/two/output/model.tar.gz") == ["algo-1", "algo-2"]


@pytest.mark.alone_with_docker
def test_closing_ends_everything(
    daemon_turn: None,
    docker_daemon: docker.DockerClient,
    script_image: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with AwsEmulator() as aws:
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        aws.create_bucket(BUCKET)
        aws.images["script"] = script_image
        request = build_request(aws, "endless", "import time; print('ready'); time.sleep(600)", "script")
        boto3.Session().client("sagemaker").create_training_job(**request)
        aws.wait_for_status("endless", "Training")
        mine = {"label": "tg-aws-emulator"}
        wait_for(lambda: len(docker_daemon.containers.list(filters=mine)) == 1)
    assert docker_daemon.containers.list(all=True, filters=mine) == []
