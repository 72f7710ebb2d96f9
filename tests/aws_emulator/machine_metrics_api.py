"""Answers CloudWatch's ``GetMetricData`` for what machines of jobs use, a point a minute as SageMaker writes them."""

import re
import threading
from typing import Any

from tests.aws_emulator.api_call import ApiCall
from tests.aws_emulator.api_error import ApiError
from tests.aws_emulator.gateway import Handler

NAMESPACE = "/aws/sagemaker/TrainingJobs"
_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")
_MOST_QUERIES = 500
_PAGE = 100  # series in an answer; AWS's pages are as long as it likes


class MachineMetricsApi:
    """Serves the points that :meth:`put` was given."""

    def __init__(self) -> None:
        self._points: dict[tuple[str, str], dict[int, float]] = {}
        self._lock = threading.Lock()

    def put(self, host: str, name: str, minute: int, value: float) -> None:
        """Notes a point.

        Args:
            host: Such as ``job/algo-1``.
            name: Such as ``CPUUtilization``.
            minute: The minute since 1970 that it is of.
            value: The value.
        """
        with self._lock:
            self._points.setdefault((host, name), {})[minute] = value

    @property
    def handlers(self) -> dict[str, Handler]:
        """By the name of a call."""
        return {"cloudwatch:GetMetricData": self.get_metric_data}

    def get_metric_data(self, call: ApiCall) -> dict[str, Any]:
        """Answers a call.

        Raises:
            ApiError: If a query is not as AWS takes it.
        """
        queries, start, end = (call.parameters[each] for each in ("MetricDataQueries", "StartTime", "EndTime"))
        ids = [each["Id"] for each in queries]
        if start >= end:
            raise ApiError("ValidationError", "The parameter StartTime must be less than the parameter EndTime.")
        if len(queries) > _MOST_QUERIES or len(set(ids)) < len(ids) or not all(_ID.fullmatch(each) for each in ids):
            raise ApiError("ValidationError", "The parameter MetricDataQueries is invalid.")
        first = int(call.parameters.get("NextToken") or 0)
        results = [self._answer(each, start, end) for each in queries[first : first + _PAGE]]
        token = {"NextToken": str(first + _PAGE)} if first + _PAGE < len(queries) else {}
        return {"MetricDataResults": results, "Messages": [], **token}

    def _answer(self, query: dict[str, Any], start: float, end: float) -> dict[str, Any]:
        stat = query["MetricStat"]
        if (stat["Metric"]["Namespace"], stat["Period"], stat["Stat"]) != (NAMESPACE, 60, "Average"):
            raise ApiError("ValidationError", "This emulator has averages of a minute of training jobs only.")
        hosts = {each["Name"]: each["Value"] for each in stat["Metric"]["Dimensions"]}
        name = stat["Metric"]["MetricName"]
        with self._lock:
            known = dict(self._points.get((hosts["Host"], name), {}) if set(hosts) == {"Host"} else {})
        # The start is rounded down to a whole minute; the newest point comes first.
        minutes = sorted((each for each in known if start // 60 <= each < end / 60), reverse=True)
        times, values = [each * 60 for each in minutes], [known[each] for each in minutes]
        return {"Id": query["Id"], "Label": name, "Timestamps": times, "Values": values, "StatusCode": "Complete"}
