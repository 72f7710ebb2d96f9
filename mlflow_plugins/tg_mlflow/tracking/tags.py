"""The tags and metrics of a run that are this library's own. Released versions read them: they are a format."""

# Begins the names of all that this library gives a run, also of what is known of a job besides its output.
OWN_PREFIX = "tg."

# What a run is from.
VERSION_TAG = "tg.version"  # of tg-mlflow, from the run's first moment: marks a run as one of ours
CREATION_TAG = "tg.creation"  # by which a run is found whose creation was asked for and not answered
GIT_DIRTY_TAG = "tg.git_dirty"  # "true" or "false": whether the project's folder differed from its commit
CONFIG_TAG = "tg.config"  # JSON: the keys of the configuration that are not as by default, but for `sweep`
PACKAGE_SHA256_TAG = "tg.package_sha256"  # the digest of the package that was trained

# By which its job is found again.
PLACE_TAG = "tg.place"  # the name of the place
PLACE_OPTIONS_TAG = "tg.place_options"  # JSON: the options of the place, which reach the job
JOB_ID_TAG = "tg.job_id"  # the job, noted before there is one
EARLIER_JOBS_TAG = "tg.earlier_jobs"  # ids of the jobs that were tried before, separated by spaces
DATASET_TAG = "tg.dataset"  # the path of the dataset on the launcher's machine
LOG_TAG = "tg.log"  # JSON: what to log besides the archive
METRIC_REGEXES_TAG = "tg.metric_regexes"  # JSON: regular expressions of metrics in the output, by name
SECRETS_TAG = "tg.secrets"  # JSON: the names of the variables that are secret
NAME_TAG = "mlflow.runName"  # the run's name

# By which another process sees how far the recording has come.
LAUNCHER_TAG = "tg.launcher"  # JSON: the host and, while it records, the process
WAITING_TAG = "tg.waiting"  # what the launcher waits for, in one line, while it does
LOG_CURSOR_TAG = "tg.log_cursor"  # how many bytes of the output have been recorded
NOT_UPLOADED_TAG = "tg.not_uploaded"  # why the results of a training that has succeeded are not in the run yet
MISSING_TAG = "tg.missing"  # names of what could not be drawn or logged, separated by ", "
LEFT_OUT_TAG = "tg.left_out"  # names of files that no archive can keep, separated by ", "
MISSING_LOG_TAG = "tg.missing_log"  # what is missing of the output of a training that has succeeded
FAILURE_REASON_TAG = "tg.failure_reason"  # why the run has FAILED, in one line

# What its metrics do not show.
METRIC_NAMES_TAG = "tg.metric_names"  # JSON: the names that changed keys stand for; goes on in tg.metric_names.2, …
UNREADABLE_METRICS_TAG = "tg.unreadable_metrics"  # JSON: how many metric lines could not be read, and the first one
REFUSED_METRICS_TAG = "tg.refused_metrics"  # JSON: how many metrics MLflow has refused, the first one, and why
MLFLOW_NOTES_TAG = "tg.mlflow_notes"  # JSON: what of the job's calls of MLflow is not in the run, and why

# What a job has made by calls of MLflow.
TRAINING_RUN_TAG = "tg.training_run"  # of a run or a logged model: the run of the training that has made it
JOB_RUN_TAG = "tg.job_run"  # of a run: its id in the job
JOB_MODEL_TAG = "tg.job_model"  # of a logged model: its id in the job
JOB_MODEL_STATUS_TAG = "tg.job_model_status"  # of a logged model: READY if it is to be that when its files are there
REGISTER_PREFIX = (
    "tg.register."  # followed by a number; JSON: a model that is to be registered when its files are there
)

# The registered model.
REGISTER_TAG = "tg.register"  # JSON: what is to be registered when the run has FINISHED; removed when that is settled
REGISTERED_TAG = "tg.registered"  # what has become of that, in one line

# Sweeps and studies.
SWEEP_TAG = "tg.sweep"  # of the run of a sweep; JSON: the values of each parameter
SWEEP_NAME_TAG = "tg.sweep_name"  # of a training of a sweep: what it is called in the plan
STUDY_TAG = "tg.study"  # of the run of a study: the library that decides what is trained
PRUNED_TAG = "tg.pruned_at_step"  # of a trial: the step at which its study has pruned it
BEST_RUN_ID_TAG = "tg.best_run_id"  # of the run of a sweep: its best training
BEST_NAME_TAG = "tg.best_name"  # of the run of a sweep: the name of that training

# Metrics of the run of a sweep: how many trainings have ended how.
SWEEP_FINISHED_METRIC = "tg.sweep_finished"
SWEEP_FAILED_METRIC = "tg.sweep_failed"
SWEEP_KILLED_METRIC = "tg.sweep_killed"
SWEEP_NOT_STARTED_METRIC = "tg.sweep_not_started"
