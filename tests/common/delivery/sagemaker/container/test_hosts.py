from tg.common.delivery.sagemaker.container.hosts import build_host, name_container

REQUEST = {"Image": "i", "Labels": {"tg-mlflow.job": "job-1", "tg-mlflow.project": "p"}, "HostConfig": {"Memory": 1}}


def test_hosts_have_a_network_of_the_job_and_their_names_in_it() -> None:
    assert build_host(REQUEST, "job-1", "algo-1", 2) == {
        "Image": "i",
        "Hostname": "algo-1",
        "Labels": {"tg-mlflow.job": "job-1", "tg-mlflow.project": "p", "tg-mlflow.hosts": "2"},
        "HostConfig": {"Memory": 1, "NetworkMode": "job-1"},
        "NetworkingConfig": {"EndpointsConfig": {"job-1": {"Aliases": ["algo-1"]}}},
    }
    # What looks for jobs finds the leader alone.
    assert build_host(REQUEST, "job-1", "algo-2", 2)["Labels"] == {
        "tg-mlflow.project": "p",
        "tg-mlflow.host-of": "job-1",
    }
    assert [name_container("job-1", each) for each in ("algo-1", "algo-2")] == ["job-1", "job-1-algo-2"]
