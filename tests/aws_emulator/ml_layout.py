"""Lays out what SageMaker puts into ``/opt/ml`` before a container starts."""

import json
import tarfile
from pathlib import Path
from typing import IO, Any

from tests.aws_emulator.storage import Storage
from tests.aws_emulator.training_job import TrainingJob


def checkpoint_path(request: dict[str, Any]) -> str:
    """Where a container finds and leaves its checkpoints."""
    path: str = request.get("CheckpointConfig", {}).get("LocalPath", "/opt/ml/checkpoints")
    return path


def checkpoint_uri(request: dict[str, Any]) -> str | None:
    """Where checkpoints go to, with a slash at the end; ``None`` if they are not kept."""
    uri: str | None = request.get("CheckpointConfig", {}).get("S3Uri")
    return None if uri is None else uri.rstrip("/") + "/"


def name_hosts(request: dict[str, Any]) -> list[str]:
    """The names that the instances have in their network."""
    return [f"algo-{number}" for number in range(1, request["ResourceConfig"]["InstanceCount"] + 1)]


def lay_out(job: TrainingJob, host: str, root: Path, storage: Storage) -> None:
    """Makes a folder that stands for the root of a host's container.

    Raises:
        DownloadError: If a channel has no data.
    """
    hosts, ml = name_hosts(job.request), root / "opt/ml"
    for path in ("input/config", "input/data", "model", "output/data"):
        (ml / path).mkdir(parents=True, exist_ok=True)
    for name, content in _build_config(job.request, host, hosts).items():
        (ml / "input/config" / f"{name}.json").write_text(json.dumps(content))
    for channel in job.request.get("InputDataConfig", ()):
        source = channel["DataSource"]["S3DataSource"]
        is_sharded = source.get("S3DataDistributionType") == "ShardedByS3Key"
        folder = ml / "input/data" / channel["ChannelName"]
        folder.mkdir()
        names = storage.download(
            source["S3Uri"], folder, hosts.index(host) if is_sharded else 0, len(hosts) if is_sharded else 1
        )
        # SageMaker leaves this beside the channel's folder; who lists the channels must not take it for one.
        folder.with_name(f"{folder.name}-manifest").write_text(json.dumps([{"prefix": source["S3Uri"]}, *names]))
    checkpoints = root / checkpoint_path(job.request).lstrip("/")
    checkpoints.mkdir(parents=True, exist_ok=True)
    uri = checkpoint_uri(job.request)
    if uri is not None and storage.has_objects(uri):
        storage.download(uri, checkpoints)


def write_tar(root: Path, file: IO[bytes]) -> None:
    """Packs a root folder; everyone in the container may read and write it, as on SageMaker's volumes."""

    def open_up(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mode = 0o777 if member.isdir() else 0o666
        return member

    with tarfile.open(fileobj=file, mode="w") as archive:
        for path in sorted(root.rglob("*")):
            # Folders above /opt/ml are the image's.
            if path != root / "opt":
                archive.add(path, path.relative_to(root), recursive=False, filter=open_up)
    file.seek(0)


def _build_config(request: dict[str, Any], host: str, hosts: list[str]) -> dict[str, Any]:
    instance_type, group = request["ResourceConfig"]["InstanceType"], "homogeneousCluster"
    channels = {
        channel["ChannelName"]: {
            "ContentType": channel.get("ContentType"),
            "TrainingInputMode": channel.get("InputMode", request["AlgorithmSpecification"]["TrainingInputMode"]),
            "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                "S3DataDistributionType", "FullyReplicated"
            ),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        }
        for channel in request.get("InputDataConfig", ())
    }
    return {
        "hyperparameters": request.get("HyperParameters", {}),
        "inputdataconfig": channels,
        "resourceconfig": {
            "current_host": host,
            "current_instance_type": instance_type,
            "current_group_name": group,
            "hosts": hosts,
            "instance_groups": [{"instance_group_name": group, "instance_type": instance_type, "hosts": hosts}],
            "network_interface_name": "eth0",
        },
    }
