"""Judges by its name whether a value is a credential."""

import re
from functools import lru_cache

# What may follow the name of a credential: a qualifier, or its encoding.
_QUALIFIERS = r"(?:_?(?:\d|b(?:ase)?64|base|json|dev|staging|test|prod(?:uction)?|live|old|new))*$"
# The end of a credential's name: MY_API_KEY and db.password are credentials; MONKEY, max_tokens, PWD and TOKEN_FILE are
# not.
_SECRET_NAME = re.compile(
    r"(?:pass(?:word|wd|phrase)s?"
    r"|(?:^|[^a-z0-9])(?:(?:access|api|auth|client|refresh)?_?(?:secrets?|token)"
    r"|credentials?|auth|authorization|jwt|webhook(?:_url)?|connection_?string|(?:db|smtp|user)_pass"
    r"|(?:access|account|api|deploy|encryption|master|private|secret|signing|ssh|storage)_?keys?(?:_id)?)"
    r"|[^a-z0-9]pwd|(?-i:^pwd|_PASS|_PAT))" + _QUALIFIERS,
    re.IGNORECASE,
)
# Tokens of texts, not of accounts, in the sense of tokenizers and models.
_TEXT_TOKEN_NAME = re.compile(
    r"(?:^|[^a-z0-9])(?:pad|padding|bos|eos|start|end|stop|unk|oov|sep|cls|mask|per)_token" + _QUALIFIERS, re.IGNORECASE
)
# What signs an address, as in X-Amz-Signature. Elsewhere, a signature is that of a function or a model.
_SIGNATURE_NAME = re.compile(r"^sig$|(?:^|[^a-z0-9])signature$", re.IGNORECASE)
# The type that a hyperparameter's name may end with, as in `options.password:str`.
_TYPE = re.compile(r":[a-z]+$")
# Word boundaries that only case marks: authToken, HFToken.
_WORD_BORDER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

_NO_SECRETS = {"", "true", "false", "none", "null"}


@lru_cache(maxsize=4096)  # a log repeats its names
def looks_secret(name: str) -> bool:
    """Returns whether the name of a variable or parameter suggests that its value is a credential."""
    words = _WORD_BORDER.sub("_", without_type(name)).replace("-", "_")
    return _SECRET_NAME.search(words) is not None and _TEXT_TOKEN_NAME.search(words) is None


@lru_cache(maxsize=4096)
def looks_secret_in_address(name: str) -> bool:
    """Returns whether a part of an address' query is a credential, or signs the address."""
    return looks_secret(name) or _SIGNATURE_NAME.search(_WORD_BORDER.sub("_", name)) is not None


def is_secret(name: str, value: str) -> bool:
    """Returns whether a value is a credential by its name."""
    return not tells_only(value) and looks_secret(name)


def tells_only(value: str) -> bool:
    """Returns whether a value only tells whether there is a credential, as in ``use_auth_token=true``."""
    return value.strip().lower() in _NO_SECRETS


def without_type(name: str) -> str:
    """Returns a hyperparameter's name without the type that it may end with, as ``options.password:str`` does."""
    return _TYPE.sub("", name)
