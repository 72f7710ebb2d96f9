from collections.abc import Mapping
from typing import Any

from tg_mlflow.recording.job_records import JobRecords


def test_each_record_goes_to_the_handler_of_its_op_and_an_unknown_one_to_none() -> None:
    taken = list[tuple[Mapping[str, Any], int]]()
    records = JobRecords({"start": lambda content, time_ms: taken.append((content, time_ms))})
    text = records.feed(b'a\n###JOB###{"op":"later"}###\n###JOB###{"op":["x"]}###\n###JOB###{"op":"sta', 7)
    text += records.feed(b'rt","attempt":1}###\nb\n##', 8) + records.finish(9)
    assert (text, taken) == (b"a\nb\n##", [({"op": "start", "attempt": 1}, 8)])
