"""Facts about a job on SageMaker: its machine, its cost, its console page."""

from urllib.parse import quote

from ..executor.job_state import CHECKPOINTS_FACT, JobFacts
from .result import RemoteResult
from .state import JobDescription

_DOMAINS = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}


def build_console_url(job_id: str, region: str, partition: str = "aws") -> str:
    """Returns the address of a job in AWS's console."""
    domain = _DOMAINS.get(partition, "console.aws.amazon.com")
    host = domain if partition in _DOMAINS else f"{region}.{domain}"
    return f"https://{host}/sagemaker/home?region={region}#/jobs/{quote(job_id)}"


def build_facts(
    job: JobDescription, region: str, result: RemoteResult | None = None, now_seconds: float = 0
) -> JobFacts:
    """Builds the facts about a job. While it trains, ``billable_seconds`` are those until now.

    Args:
        job: The service's description.
        region: Where it runs.
        result: Its result archive; ``None`` if there is none yet.
        now_seconds: The time, in seconds since 1970.
    """
    partition = job.arn.split(":")[1] if job.arn.startswith("arn:") else "aws"
    tags = {
        "region": region,
        "instance_type": job.instance_type,
        "job_arn": job.arn,
        "image": job.image,
        "image_digest": job.image.partition("@")[2],
        "console_url": build_console_url(job.job_id, region, partition),
        "dataset_uri": job.dataset_uri,
        CHECKPOINTS_FACT: job.checkpoints_uri,
        "output_uri": f"{job.output_uri.rstrip('/')}/{job.job_id}/output/" if job.output_uri else "",
        "result_uri": str(result.location) if result else "",
    }
    metrics: dict[str, float] = {"instance_count": job.instance_count}
    if job.training_seconds is not None:
        metrics["training_seconds"] = job.training_seconds
    if job.billable_seconds is not None:
        metrics["billable_seconds"] = job.billable_seconds
        if job.is_spot and job.training_seconds:
            metrics["spot_saving"] = 1 - job.billable_seconds / job.training_seconds
    elif job.training_start_ms is not None and not job.is_final:
        metrics["billable_seconds"] = max(0.0, now_seconds - job.training_start_ms / 1000)
    if result is not None:
        metrics["result_bytes"] = result.size_bytes
    return JobFacts({name: value for name, value in tags.items() if value}, metrics)
