"""What people and programs are told of what checks have found."""

from tg.common.secrets import SecretMask
from tg_mlflow.diagnosis import Examined, Finding, format_json, format_lines
from tg_mlflow.diagnosis.report import has_problem

FOUND = [
    Examined("this machine", "Python", Finding.ok("3.12.1, /usr/bin/python")),
    Examined("MLflow", "reachable", Finding.problem("http://me:pw-12345@host does not answer", "start it")),
    Examined("MLflow", "writable", Finding.skipped("not checked, as it needs reachable")),
    Examined("tg-local", "disk", Finding.warning("1.2\n GB free", "free space")),
]


def test_lines() -> None:
    assert list(format_lines(FOUND, SecretMask())) == [
        "this machine",
        "  ok       Python: 3.12.1, /usr/bin/python",
        "MLflow",
        "  problem  reachable: http://me:***@host does not answer",
        "           -> start it",
        "  skipped  writable: not checked, as it needs reachable",
        "tg-local",
        "  warning  disk: 1.2 GB free",
        "           -> free space",
        "1 problem, 1 warning",
    ]
    assert list(format_lines(FOUND[:1], SecretMask()))[-1] == "no problems, no warnings"


def test_json() -> None:
    assert format_json(FOUND[:2], SecretMask(["3.12.1"])) == (
        """{
  "is_ok": false,
  "checks": [
    {
      "subject": "this machine",
      "check": "Python",
      "outcome": "ok",
      "found": "***, /usr/bin/python",
      "remedy": null
    },
    {
      "subject": "MLflow",
      "check": "reachable",
      "outcome": "problem",
      "found": "http://me:***@host does not answer",
      "remedy": "start it"
    }
  ]
}"""
    )


def test_only_a_problem_is_one() -> None:
    assert [has_problem([each]) for each in FOUND] == [False, True, False, False]
