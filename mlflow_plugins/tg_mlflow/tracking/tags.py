"""What of a run is this library's own: tags, metrics, an artifact. Released versions read them: they are a format.

A tag of its own has what people read or search for, what is removed again, and what is written while a run goes on, by
whoever knows it. What only this library reads, and knows before it starts a job, is in ``tg.state``.
"""

# Begins the names of all that this library gives a run, also of what is known of a job besides its output.
OWN_PREFIX = "tg."
# Begins the names that MLflow gives to metrics of a machine.
SYSTEM_PREFIX = "system/"

# The artifact that says where its job has trained.
ENVIRONMENT_ARTIFACT = "environment.json"

# What a run is from.
VERSION_TAG = "tg.version"  # of tg-mlflow, from the run's first moment: marks a run as one of ours
CREATION_TAG = "tg.creation"  # by which a run is found whose creation was asked for and not answered
GIT_DIRTY_TAG = "tg.git_dirty"  # "true" or "false": whether the project's folder differed from its commit
PACKAGE_SHA256_TAG = "tg.package_sha256"  # the digest of the package that was trained
STATE_TAG = "tg.state"  # JSON: how it was started, as tracking/state.py defines it; goes on in tg.state.2, …

# What it reproduces.
REPRODUCES_TAG = "tg.reproduces"  # the id of the run whose package it trains again
VERDICT_TAG = "tg.verdict"  # whether that has led to the same, in one line
REPRODUCED_BY_TAG = "tg.reproduced_by"  # of the other run: the id of the last such run, and its verdict

# What it goes on from.
RESUMED_FROM_TAG = "tg.resumed_from"  # the id of the run from whose checkpoints its job begins
RESUMED_STEP_TAG = "tg.resumed_from_step"  # the step of the checkpoint that its job has last gone on from
CHECKPOINTS_TAG = "tg.checkpoints"  # where the checkpoints of its job are kept: a folder, or an address in S3

# By which its job is found again.
PLACE_TAG = "tg.place"  # the name of the place
JOB_ID_TAG = "tg.job_id"  # the job, noted before there is one
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
DESCRIPTION_TAG = "tg.description"  # JSON: what the description says and no other data do, and its digest as written
STOP_REASON_TAG = "tg.stop_reason"  # who or what has stopped a run that is KILLED, and when, in one line

# What its job has used of its machine. The points themselves have MLflow's own names.
ADVICE_TAG = "tg.advice"  # what is wrong with the machine, in one line
PEAK_MEMORY_METRIC = "tg.peak_memory_percentage"
PEAK_MEMORY_MEGABYTES_METRIC = "tg.peak_memory_megabytes"
MEAN_CPU_METRIC = "tg.mean_cpu_percentage"

COST_METRIC = "tg.cost_usd"  # what its machines have cost so far; of the run of a sweep, those of all its trainings

# What has become of it meanwhile.
EVENTS_TAG = "tg.events"  # JSON: each change of state with its time and its cause, as tracking/timeline.py defines it
ATTEMPTS_TAG = "tg.attempts"  # how often its job has been started, if more than once
DIFFERING_METRICS_TAG = "tg.differing_metrics"  # JSON: how many points another attempt has said with another value
EXIT_CODE_TAG = "tg.exit_code"  # the exit code of its job, 128 and the signal's number after a signal
SIGNAL_TAG = "tg.signal"  # the signal that has ended its job, such as SIGKILL

# What its metrics do not show.
METRIC_NAMES_TAG = "tg.metric_names"  # JSON: the names that changed keys stand for; goes on in tg.metric_names.2, …
UNREADABLE_METRICS_TAG = "tg.unreadable_metrics"  # JSON: how many metric lines could not be read, and the first one
REFUSED_METRICS_TAG = "tg.refused_metrics"  # JSON: how many metrics MLflow has refused, the first one, and why
MLFLOW_NOTES_TAG = "tg.mlflow_notes"  # JSON: what of the job's calls of MLflow is not in the run, and why

# What a job has made by calls of MLflow.
TRAINING_RUN_TAG = "tg.training_run"  # of a run or a logged model: the run of the training that has made it
JOB_RUN_TAG = "tg.job_run"  # of a run: its id in the job, or one for each attempt of that, separated by spaces
JOB_MODEL_TAG = "tg.job_model"  # of a logged model: its id in the job
JOB_MODEL_STATUS_TAG = "tg.job_model_status"  # of a logged model: READY if it is to be that when its files are there
REGISTER_PREFIX = (
    "tg.register."  # followed by a number; JSON: a model that is to be registered when its files are there
)

# The registered model.
REGISTER_TAG = "tg.register"  # JSON: what is to be registered when the run has FINISHED; removed when that is settled
REGISTERED_TAG = "tg.registered"  # what has become of that, in one line

# Metrics: how much time the interruptions of its job have cost, and how much of that is billed.
LOST_SECONDS_METRIC = "tg.lost_seconds"
LOST_BILLABLE_METRIC = "tg.lost_billable_seconds"

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
SWEEP_PRUNED_METRIC = "tg.sweep_pruned"
SWEEP_NOT_STARTED_METRIC = "tg.sweep_not_started"
