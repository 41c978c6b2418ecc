"""Environment -> frozen `Settings`, with every problem at once. `VARIABLES` is the one list of what is read.

gunicorn reads it before it starts any worker: it imports neither Flask nor NumPy nor SQLAlchemy.
"""

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tagger.errors import SettingError
from tagger.setting_values import host, is_public, one_of, origins, path, seconds, store_url, truth, whole_number

ROOT = Path(__file__).resolve().parent.parent
# A file that holds a value holds a line: reading ends here, should somebody name a device.
_LONGEST = 65_536
# What the variables were called before, or are called elsewhere.
_OTHER_NAMES = {
    "TAGGER_MAX_BODY_BYTES": "TAGGER_MAX_PAGE_BYTES",
    "TAGGER_PORT": "PORT",
    "TAGGER_WORKERS": "WEB_CONCURRENCY",
}
# Kubernetes tells a container of every service beside it: one that is called tagger gives TAGGER_SERVICE_HOST and others.
_OF_KUBERNETES = re.compile(r"TAGGER_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_[0-9]+_(TCP|UDP)(_\w+)?)")

Source = Literal["default", "environment", "file"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be set from outside, with its defaults, and `follow`: take up new champions, and keep answers, while serving.

    keys and reviews are beside the releases unless they are given; `replace` with other models must give them as well.
    """

    models: Path = ROOT / "models"
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = min(4, os.cpu_count() or 1)
    max_page_bytes: int = 1_048_576
    max_batch_bytes: int = 10_485_760
    max_documents: int = 1000
    max_batch_lines: int = 10_000
    request_seconds: float = 30
    rate_limit: int = 6000
    keys: Path = Path()
    keyless: bool = False
    cors_origins: tuple[str, ...] = ()
    reviews: str = field(default="", repr=False)
    log: str = "auto"
    log_level: str = "info"
    kernel: Literal["compiled", "reference"] = "compiled"
    shared: Path | None = None
    follow: bool = True

    def __post_init__(self) -> None:
        """Fill in what lies beside the releases."""
        if self.keys == Path():
            object.__setattr__(self, "keys", self.models / "keys.jsonl")
        if not self.reviews:
            object.__setattr__(self, "reviews", default_url(self.models))

    @property
    def bind(self) -> str:
        """Host and port as a server and a URL write them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Variable:
    """The variable of the environment that gives a setting: how its text is read, and what it means.

    default: what the documentation says of a default that depends on the machine. secret: the value is never shown whole.
    internal: set by the tagger itself, for its workers.
    """

    name: str
    parse: Callable[[str], Any]
    meaning: str
    default: str = ""
    secret: bool = False
    internal: bool = False


# By the field of `Settings` that each one gives.
VARIABLES: Mapping[str, Variable] = {
    "models": Variable("TAGGER_MODELS", path, "folder of the releases", "`models/`"),
    "host": Variable("TAGGER_HOST", host, "address to listen on; `0.0.0.0` or `::` for all"),
    "port": Variable("PORT", whole_number(1, 65_535), "port to listen on"),
    "workers": Variable("WEB_CONCURRENCY", whole_number(1, 256), "worker processes, four threads each", "cores, at most 4"),
    "max_page_bytes": Variable("TAGGER_MAX_PAGE_BYTES", whole_number(1, 2**30), "largest body of one page, in bytes"),
    "max_batch_bytes": Variable("TAGGER_MAX_BATCH_BYTES", whole_number(1, 2**30), "largest body of a batch, in bytes"),
    "max_documents": Variable("TAGGER_MAX_DOCUMENTS", whole_number(1, 100_000), "most documents of one page"),
    "max_batch_lines": Variable("TAGGER_MAX_BATCH_LINES", whole_number(1, 1_000_000), "most lines of a batch"),
    "request_seconds": Variable("TAGGER_REQUEST_SECONDS", seconds(0.1, 3600), "longest time for one request, in seconds"),
    "rate_limit": Variable(
        "TAGGER_RATE_LIMIT", whole_number(0, 1_000_000, ", 0 for no limit"), "requests a minute for each key; 0: no limit"
    ),
    "keys": Variable("TAGGER_KEYS", path, "file of the API keys, which `tagger keys` writes", "`models/keys.jsonl`"),
    "keyless": Variable("TAGGER_KEYLESS", truth, "`true`: serve a public address although there is no key"),
    "cors_origins": Variable("TAGGER_CORS_ORIGINS", origins, "origins whose pages may ask, `https://cms.example,https://…`"),
    "reviews": Variable(
        "TAGGER_REVIEWS",
        store_url,
        "the review store, for example `postgresql+psycopg://user:password@host/tagger`",
        "`sqlite:///models/reviews.db`",
        secret=True,
    ),
    "log": Variable(
        "TAGGER_LOG",
        one_of("auto", "json", "console"),
        "`json`: a line each; `console`: for people; `auto`: `console` on a terminal",
    ),
    "log_level": Variable(
        "TAGGER_LOG_LEVEL",
        one_of("debug", "info", "warning", "error", "critical"),
        "least level that is logged: `debug`, `info`, `warning`, `error` or `critical`",
    ),
    "kernel": Variable(
        "TAGGER_KERNEL",
        one_of("compiled", "reference"),
        "how texts are read: `compiled`, or as the plain `reference`, for diagnosis",
    ),
    "shared": Variable("TAGGER_SHARED", path, "folder in memory that the workers share", "made at start", internal=True),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a variable says, and where it was found; with a `problem` there is no value."""

    variable: Variable
    source: Source
    value: Any = None
    problem: str = ""


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read every variable, each from NAME or from the file that NAME_FILE names; an empty one counts as not given.

    Raises:
        SettingError: with a line for each variable that cannot be used.
    """
    readings = read_each(environment)
    wrong = [reading.problem for reading in readings.values() if reading.problem]
    if wrong:
        raise SettingError("\n".join(wrong))
    return Settings(**{name: reading.value for name, reading in readings.items() if reading.source != "default"})


def read_each(environment: Mapping[str, str]) -> dict[str, Reading]:
    """Return what each variable says, by the field that it gives. Those that are not given have no value."""
    return {name: _read(environment, variable) for name, variable in VARIABLES.items()}


def read_one(environment: Mapping[str, str], name: str) -> Any:
    """Return the value of one field, None where it is not given, for commands that need no other.

    Raises:
        SettingError: it cannot be used.
    """
    reading = _read(environment, VARIABLES[name])
    if reading.problem:
        raise SettingError(reading.problem)
    return reading.value


def with_value(environment: Mapping[str, str], name: str, text: str) -> dict[str, str]:
    """Return the environment of a process for which one field shall have this value, whatever this environment says."""
    variable = VARIABLES[name].name
    return {key: value for key, value in environment.items() if key != f"{variable}_FILE"} | {variable: text}


def written(value: Any) -> str:
    """Return a value as the documentation and a person write it; a secret is not masked."""
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(value) or "none" if isinstance(value, tuple) else str(value)


def default_url(models: Path) -> str:
    """Return the URL of the store that a folder of releases has where none is named: a SQLite file in it."""
    return f"sqlite:///{models.resolve() / 'reviews.db'}"


def problems(settings: Settings, *, keys_required: bool) -> list[str]:
    """Return what forbids to serve with these settings, in sentences that say what to do.

    keys_required: whether requests must bring an API key, because there are keys.
    """
    if keys_required or settings.keyless or not is_public(settings.host):
        return []
    return [
        f"TAGGER_HOST is {settings.host}, which other machines can reach, and there is no API key: run "
        "`tagger keys add NAME --scope tag` first, or set TAGGER_KEYLESS=true if everybody may use the service."
    ]


def has_keys(settings: Settings) -> bool:
    """Tell whether requests must bring a key, as the keyring does, to a process that must not import it."""
    try:
        return b"\n" in settings.keys.read_bytes()
    except FileNotFoundError:
        return False
    except OSError:
        return True


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Return a sentence for each variable that looks like one of ours and is none, with the name that may have been meant."""
    known = {name for variable in VARIABLES.values() for name in (variable.name, f"{variable.name}_FILE")}
    strange = [name for name in sorted(environment) if name not in known and _looks_like_ours(name, environment[name])]
    return [
        f"{_printable(name)} is no setting of the tagger and changes nothing{_meant(name, known) or '.'}" for name in strange
    ]


def _printable(name: str) -> str:
    return name if name.isprintable() else repr(name)


def _looks_like_ours(name: str, text: str) -> bool:
    of_kubernetes = _OF_KUBERNETES.fullmatch(name) or (name.endswith("_PORT") and text.startswith(("tcp://", "udp://")))
    return name.startswith(("TAGGER_", "WEB_CONC")) and not of_kubernetes


def _meant(name: str, known: set[str]) -> str:
    near = [_OTHER_NAMES[name]] if name in _OTHER_NAMES else difflib.get_close_matches(name, sorted(known), 1, 0.8)
    return f": did you mean {near[0]}?" if near else ""


def _read(environment: Mapping[str, str], variable: Variable) -> Reading:
    source, text, wrong = _text(environment, variable.name)
    if wrong or not text:
        return Reading(variable, source, problem=wrong)
    try:
        return Reading(variable, source, variable.parse(text))
    except SettingError as error:
        # What a file holds may be a secret, even where another variable's value is none: somebody took the wrong file.
        shown = "cannot be used" if variable.secret or source == "file" else f"is {_short(text)}"
        name = f"{variable.name}_FILE" if source == "file" else variable.name
        return Reading(variable, source, problem=f"{name} {shown}: {error}.")


def _text(environment: Mapping[str, str], name: str) -> tuple[Source, str, str]:
    """Return where the text of a variable is from, the text, and what is wrong, if it cannot be had."""
    given, file = environment.get(name, ""), environment.get(f"{name}_FILE", "")
    if given and file:
        return "file", "", f"{name} and {name}_FILE are both given: unset one of them."
    if not file:
        return ("environment" if given else "default"), given, ""
    try:
        with Path(file).open(encoding="utf-8", newline="") as stream:
            text = stream.read(_LONGEST)
    except OSError as error:
        return "file", "", f"{name}_FILE is {_short(file)}, which cannot be read ({error.strerror}): name a file that can."
    except ValueError:
        return "file", "", f"{name}_FILE is {_short(file)}, which cannot be read as UTF-8 text: name a file that can."
    text = text.removesuffix("\n").removesuffix("\r")
    return "file", text, "" if text else f"{name}_FILE is {_short(file)}, which is empty: write the value into it, or unset it."


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:79]}…")
