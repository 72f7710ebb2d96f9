"""A training that runs in containers, one an instance, as SageMaker runs it."""

import shutil
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.aws_emulator.engine import Engine, PullError, StartError
from tests.aws_emulator.log_feed import LogFeed
from tests.aws_emulator.ml_layout import checkpoint_path, checkpoint_uri, lay_out, name_hosts, write_tar
from tests.aws_emulator.storage import DownloadError, Storage
from tests.aws_emulator.training import Cause, JobFailure, Outcome
from tests.aws_emulator.training_job import TrainingJob

_SYNC_SECONDS = 1.0


class ContainerTraining:
    """Runs one job.

    Args:
        job: The job.
        engine: The daemon.
        storage: Where data come from and results go to.
        feed: Gets the output of every container.
        images: What the daemon knows for images that are in no registry here, by ``TrainingImage``.
        login: For the registry.
        stop_seconds: How long a container has from SIGTERM to SIGKILL.
    """

    def __init__(
        self,
        job: TrainingJob,
        engine: Engine,
        storage: Storage,
        feed: LogFeed,
        images: Mapping[str, str],
        login: dict[str, str],
        stop_seconds: float,
    ) -> None:
        self._job = job
        self._engine = engine
        self._storage = storage
        self._feed = feed
        self._images = images
        self._login = login
        self._stop_seconds = stop_seconds
        self._folder = Path(tempfile.mkdtemp(prefix="aws-emulator-"))
        self._hosts = name_hosts(job.request)
        self._containers: dict[str, str] = {}
        self._exit_codes: dict[str, int] = {}
        self._synced: dict[str, tuple[int, int]] = {}
        self._network: str | None = None

    def download_data(self) -> None:
        self._remove_containers()
        for host in self._hosts:
            shutil.rmtree(self._folder / host, ignore_errors=True)
            try:
                lay_out(self._job, host, self._folder / host, self._storage)
            except DownloadError as error:
                raise JobFailure(f"ClientError: Data download failed:{error}") from error

    def pull_image(self) -> None:
        image = self._job.request["AlgorithmSpecification"]["TrainingImage"]
        if image in self._images:
            return
        try:
            self._engine.pull(image, self._login)
        except PullError as error:
            raise JobFailure(f"ClientError: The image {image} cannot be pulled: {error}") from error

    def train(self, deadline: float) -> Outcome:
        job = self._job
        self._create_containers()
        followers = [threading.Thread(target=self._follow, args=(host,), daemon=True) for host in self._hosts]
        for follower in followers:
            follower.start()
        while not self._must_end() and time.monotonic() < deadline:
            job.wait_until(self._must_end, min(_SYNC_SECONDS, max(0.0, deadline - time.monotonic())))
            self._sync_checkpoints()
        cause = self._find_cause()
        if cause in ("stopped", "runtime_exceeded") and not job.is_abandoned:
            self._send_signal("SIGTERM")
            job.wait_until(lambda: len(self._exit_codes) == len(self._hosts), self._stop_seconds)
        self._send_signal("SIGKILL")
        for follower in followers:
            follower.join()
        self._sync_checkpoints()
        if cause != "exited":
            return Outcome(cause)
        failed = next((host for host, code in self._exit_codes.items() if code != 0), None)
        if failed is None:
            return Outcome("exited")
        return Outcome(
            "exited",
            self._exit_codes[failed],
            self._read_failure(failed),
            self._engine.is_out_of_memory(self._containers[failed]),
        )

    def upload(self, with_model: bool) -> None:
        output = self._job.request["OutputDataConfig"]
        wanted = {"model": "/opt/ml/model"} if with_model else {}
        for name, path in {**wanted, "output": "/opt/ml/output/data"}.items():
            folder = self._folder / "upload" / name
            folder.mkdir(parents=True)
            for host in reversed(self._hosts):  # the leader's files win
                if host in self._containers:
                    self._engine.fetch(self._containers[host], path, folder)
            uri = f"{self._job.output_uri}/{name}.tar.gz"
            self._storage.upload_archive(folder, uri, output.get("KmsKeyId"))

    def discard(self) -> None:
        self._remove_containers()
        shutil.rmtree(self._folder)

    def _create_containers(self) -> None:
        self._exit_codes.clear()
        if len(self._hosts) > 1:
            self._network = f"aws-emulator-{self._folder.name}"
            self._engine.create_network(self._network)
        for host in self._hosts:
            with tempfile.TemporaryFile() as file:
                write_tar(self._folder / host, file)
                self._containers[host] = self._engine.create(self._build_config(host), file)
        try:
            for container in self._containers.values():
                self._engine.start(container)
        except StartError as error:
            raise JobFailure(f"AlgorithmError: {error}, exit code: 127") from error

    def _build_config(self, host: str) -> dict[str, Any]:
        request = self._job.request
        algorithm = request["AlgorithmSpecification"]
        environment = {
            **request.get("Environment", {}),
            "TRAINING_JOB_NAME": self._job.name,
            "TRAINING_JOB_ARN": self._job.arn,
            "AWS_REGION": self._job.arn.split(":")[3],
        }
        image = algorithm["TrainingImage"]
        config: dict[str, Any] = {
            "Image": self._images.get(image, image),
            "Hostname": host,
            "Env": [f"{name}={value}" for name, value in environment.items()],
            "HostConfig": {},
        }
        if "ContainerEntrypoint" in algorithm:
            config["Entrypoint"] = algorithm["ContainerEntrypoint"]
            config["Cmd"] = algorithm.get("ContainerArguments", [])
        else:
            config["Cmd"] = algorithm.get("ContainerArguments", ["train"])
        if self._network is not None:
            config["HostConfig"]["NetworkMode"] = self._network
            config["NetworkingConfig"] = {"EndpointsConfig": {self._network: {"Aliases": [host]}}}
        elif request.get("EnableNetworkIsolation"):
            config["HostConfig"]["NetworkMode"] = "none"
        return config

    def _follow(self, host: str) -> None:
        stream = self._feed.name_stream(self._job.name, host)

        def write_line(line: str, time_ms: int) -> None:
            self._job.observe(line, time_ms)
            self._feed.write(stream, line, time_ms)

        exit_code = self._engine.follow(self._containers[host], write_line)
        with self._job.changed:
            self._exit_codes[host] = exit_code
            self._job.changed.notify_all()

    def _find_cause(self) -> Cause:
        if self._is_done():
            return "exited"
        if self._job.is_stop_requested or self._job.is_abandoned:
            return "stopped"
        return "interrupted" if self._job.is_interrupted else "runtime_exceeded"

    def _is_done(self) -> bool:
        return len(self._exit_codes) == len(self._hosts) or any(self._exit_codes.values())

    def _must_end(self) -> bool:
        job = self._job
        return self._is_done() or job.is_stop_requested or job.is_interrupted or job.is_abandoned

    def _send_signal(self, name: str) -> None:
        for host, container in self._containers.items():
            if host not in self._exit_codes:
                self._engine.send_signal(container, name)

    def _read_failure(self, host: str) -> str:
        folder = self._folder / "failure"
        self._engine.fetch(self._containers[host], "/opt/ml/output/failure", folder)
        path = folder / "failure"
        return path.read_bytes().decode(errors="replace")[:1024] if path.is_file() else ""

    def _sync_checkpoints(self) -> None:
        uri = checkpoint_uri(self._job.request)
        if uri is None or self._job.is_abandoned:
            return
        folder = self._folder / "checkpoints"
        for container in self._containers.values():
            shutil.rmtree(folder, ignore_errors=True)
            self._engine.fetch(container, checkpoint_path(self._job.request), folder)
            stats = {str(p.relative_to(folder)): p.stat() for p in sorted(folder.rglob("*")) if p.is_file()}
            found = {name: (stat.st_size, int(stat.st_mtime)) for name, stat in stats.items()}
            changed = [name for name, mark in found.items() if self._synced.get(name) != mark]
            self._storage.upload_files(folder, uri, changed, self._job.request["OutputDataConfig"].get("KmsKeyId"))
            self._synced.update(found)

    def _remove_containers(self) -> None:
        for container in self._containers.values():
            self._engine.remove(container)
        self._containers.clear()
        if self._network is not None:
            self._engine.remove_network(self._network)
            self._network = None
