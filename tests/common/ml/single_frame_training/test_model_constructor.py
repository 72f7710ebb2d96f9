import pickle

import pytest
from sklearn.linear_model import LogisticRegression

from tg.common import TaskDefinitionError
from tg.common.ml.single_frame_training import ModelConstructor


def test_a_reference_becomes_a_model():
    constructor = ModelConstructor("sklearn.linear_model:LogisticRegression", max_iter=1000, C=0.5)
    model = constructor()
    assert type(model) is LogisticRegression
    assert (model.max_iter, model.C) == (1000, 0.5)
    assert constructor() is not model


def test_kwargs_are_read_when_the_model_is_made():
    constructor = ModelConstructor("sklearn.linear_model:LogisticRegression")
    constructor.kwargs["C"] = 2.0
    assert constructor().C == 2.0


def test_nothing_is_imported_before_the_model_is_made():
    assert ModelConstructor("no_such_package.models:Forest", depth=3).type_name == "no_such_package.models:Forest"


@pytest.mark.parametrize(
    ("reference", "expected"), [("pathlib:Path.cwd", "cwd"), ("collections:OrderedDict.fromkeys", "fromkeys")]
)
def test_a_name_may_be_inside_another(reference, expected):
    assert ModelConstructor(reference).resolve().__name__ == expected


def test_a_class_or_function_itself_is_taken():
    assert ModelConstructor(LogisticRegression, C=0.5)().C == 0.5
    assert ModelConstructor(lambda size: ["model", size], size=3)() == ["model", 3]


def test_it_is_pickled_by_reference():
    constructor = pickle.loads(pickle.dumps(ModelConstructor("sklearn.linear_model:LogisticRegression", C=0.5)))
    assert constructor().C == 0.5


@pytest.mark.parametrize(
    "reference",
    ["", "LogisticRegression", "sklearn.linear_model.LogisticRegression", ":Model", "module:", ".models:Forest"],
)
def test_a_reference_is_module_and_class(reference):
    message = (
        rf"^the model reference '{reference}' is not of the form 'module:Class', such as 'sklearn.linear_model:Logis"
    )
    with pytest.raises(TaskDefinitionError, match=message):
        ModelConstructor(reference)


@pytest.mark.parametrize("reference", [None, 5, LogisticRegression()])
def test_what_cannot_be_called_is_no_reference(reference):
    with pytest.raises(TaskDefinitionError, match=r"^the model reference .* is neither a text nor a class$"):
        ModelConstructor(reference)


@pytest.mark.parametrize(
    ("reference", "cause"),
    [
        ("no_such_package:Model", "No module named 'no_such_package'"),
        ("sklearn.no_such_module:Model", "No module named 'sklearn.no_such_module'"),
        ("sklearn.linear_model:LogisticRegresion", "has no attribute 'LogisticRegresion'"),
        ("sklearn.linear_model:LogisticRegression.no_part", "has no attribute 'no_part'"),
        ("sklearn:linear_model:LogisticRegression", "has no attribute 'linear_model:LogisticRegression'"),
    ],
)
def test_what_cannot_be_found(reference, cause):
    with pytest.raises(TaskDefinitionError, match=rf"^model '{reference}' cannot be found: .*{cause}"):
        ModelConstructor(reference)()


def test_what_is_found_must_be_callable():
    with pytest.raises(TaskDefinitionError, match=r"^model 'sklearn:__version__' is a str, not a class or function$"):
        ModelConstructor("sklearn:__version__")()


def test_wrong_arguments_are_named():
    message = (
        r"^model 'sklearn.linear_model:LogisticRegression' cannot be made: .*unexpected keyword argument 'max_itr'"
        r"(\. Did you mean 'max_iter'\?)?$"
    )
    with pytest.raises(TaskDefinitionError, match=message):
        ModelConstructor("sklearn.linear_model:LogisticRegression", max_itr=5)()
    with pytest.raises(TaskDefinitionError, match=r"cannot be made: .*'max_itr'"):
        ModelConstructor(LogisticRegression, max_itr=5)()
