"""Settings: every variable read from the environment or a file, every problem told at once, nothing secret repeated."""

import contextlib
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.access.keyring import Keyring
from tagger.errors import SettingError, StoreUnavailableError
from tagger.reviews.database import Database
from tagger.setting_values import is_public, store_url
from tagger.settings import (
    VARIABLES,
    Settings,
    has_keys,
    problems,
    read_one,
    read_settings,
    unknown_variables,
    with_value,
    written,
)
from tests.conftest import ROOT

READ = [
    ("TAGGER_MODELS", "/srv/models", "models", Path("/srv/models")),
    ("TAGGER_HOST", "0.0.0.0", "host", "0.0.0.0"),  # noqa: S104
    ("TAGGER_HOST", "[::1]", "host", "::1"),
    ("TAGGER_HOST", "news-1.example.fr", "host", "news-1.example.fr"),
    ("PORT", "9000", "port", 9000),
    ("WEB_CONCURRENCY", "3", "workers", 3),
    ("TAGGER_MAX_PAGE_BYTES", "5", "max_page_bytes", 5),
    ("TAGGER_MAX_BATCH_BYTES", "6", "max_batch_bytes", 6),
    ("TAGGER_MAX_DOCUMENTS", "7", "max_documents", 7),
    ("TAGGER_MAX_BATCH_LINES", "8", "max_batch_lines", 8),
    ("TAGGER_REQUEST_SECONDS", "2.5", "request_seconds", 2.5),
    ("TAGGER_RATE_LIMIT", "0", "rate_limit", 0),
    ("TAGGER_KEYS", "/run/keys.jsonl", "keys", Path("/run/keys.jsonl")),
    ("TAGGER_KEYLESS", "true", "keyless", True),
    ("TAGGER_KEYLESS", "0", "keyless", False),
    ("TAGGER_CORS_ORIGINS", "https://cms.example, http://localhost:3000", "cors_origins", ("https://cms.example", "http://localhost:3000")),
    ("TAGGER_REVIEWS", "postgresql+psycopg://u:p@h/d", "reviews", "postgresql+psycopg://u:p@h/d"),
    ("TAGGER_KERNEL", "reference", "kernel", "reference"),
    ("TAGGER_LOG", "JSON", "log", "json"),
    ("TAGGER_LOG_LEVEL", "Warning", "log_level", "warning"),
    ("TAGGER_SHARED", "/dev/shm/x", "shared", Path("/dev/shm/x")),  # noqa: S108
]  # fmt: skip

REFUSED = [
    ("TAGGER_MODELS", "a\nb", "write the path"),
    ("TAGGER_HOST", "127.1", "write an address or name"),
    ("TAGGER_HOST", "localhost:8000", "the port is PORT"),
    ("TAGGER_HOST", "http://x", "write an address or name"),
    ("PORT", "0", "a whole number from 1 to 65535"),
    ("PORT", "65536", "a whole number from 1 to 65535"),
    ("PORT", " 80", "a whole number"),
    ("PORT", "٣", "a whole number"),
    ("WEB_CONCURRENCY", "auto", "a whole number from 1 to 256"),
    ("TAGGER_MAX_PAGE_BYTES", "1MB", "a whole number"),
    ("TAGGER_MAX_DOCUMENTS", "9" * 5000, "a whole number"),
    ("TAGGER_RATE_LIMIT", "-1", "0 for no limit"),
    ("TAGGER_REQUEST_SECONDS", "inf", "write seconds"),
    ("TAGGER_REQUEST_SECONDS", "0", "write seconds"),
    ("TAGGER_KEYLESS", "yes", "write true or false"),
    ("TAGGER_CORS_ORIGINS", "*", "name each origin"),
    ("TAGGER_CORS_ORIGINS", "https://cms.example/", "write https://cms.example, as browsers"),
    ("TAGGER_CORS_ORIGINS", "https://CMS.example:443", "write https://cms.example, as browsers"),
    ("TAGGER_CORS_ORIGINS", "cms.example", "write origins such as"),
    ("TAGGER_CORS_ORIGINS", "https://a@b", "write origins such as"),
    ("TAGGER_CORS_ORIGINS", "null", "write origins such as"),
    ("TAGGER_REVIEWS", "postgres://u:p@h/d", r"postgresql\+psycopg:// in place of postgres://"),
    ("TAGGER_REVIEWS", "sqlite://models/reviews.db", "sqlite:///FILE"),
    ("TAGGER_REVIEWS", "mysql://h/d", "sqlite:///FILE"),
    ("TAGGER_KERNEL", "fast", "compiled or reference"),
    ("TAGGER_LOG", "pretty", "auto, json or console"),
    ("TAGGER_LOG_LEVEL", "loud", "debug, info"),
]


def test_nothing_given_is_the_defaults() -> None:
    assert Settings() == read_settings({})


def test_an_empty_variable_is_not_given() -> None:
    assert Settings() == read_settings({variable.name: "" for variable in VARIABLES.values()})


@pytest.mark.parametrize(("name", "text", "field", "value"), READ)
def test_a_variable_is_read(name: str, text: str, field: str, value: object) -> None:
    assert value == getattr(read_settings({name: text}), field)


def test_every_variable_is_tried_here() -> None:
    assert {variable.name for variable in VARIABLES.values()} == {name for name, *_ in READ}


@pytest.mark.parametrize(("name", "text", "field", "value"), READ)
def test_a_variable_is_read_from_a_file(name: str, text: str, field: str, value: object, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{text}\n")

    assert value == getattr(read_settings({f"{name}_FILE": str(tmp_path / "secret")}), field)


@pytest.mark.parametrize(("name", "text", "sentence"), REFUSED)
def test_what_cannot_be_used_is_refused(name: str, text: str, sentence: str) -> None:
    with pytest.raises(SettingError, match=rf"^{name} .*{sentence}.*\.$"):
        read_settings({name: text})


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(SettingError) as caught:
        read_settings({"PORT": "a\nb", "TAGGER_RATE_LIMIT": "6k", "TAGGER_LOG": "json", "TAGGER_HOST_FILE": "/nowhere"})

    assert ["TAGGER_HOST_FILE", "PORT", "TAGGER_RATE_LIMIT"] == [line.split()[0] for line in str(caught.value).splitlines()]


def test_a_variable_and_its_file_contradict_each_other(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="PORT and PORT_FILE are both given: unset one"):
        read_settings({"PORT": "1", "PORT_FILE": str(tmp_path)})


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", None])
def test_a_file_that_holds_no_value_is_named(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "url").write_bytes(content)

    with pytest.raises(SettingError, match=r"TAGGER_REVIEWS_FILE is .*url', which (is empty|cannot be read).*: "):
        read_settings({"TAGGER_REVIEWS_FILE": str(tmp_path / "url")})


def test_only_one_line_end_is_taken_off(tmp_path: Path) -> None:
    (tmp_path / "port").write_bytes(b"80\r\n\n")

    with pytest.raises(SettingError, match="PORT_FILE cannot be used: write a whole number"):
        read_settings({"PORT_FILE": str(tmp_path / "port")})


@pytest.mark.parametrize("name", ["TAGGER_REVIEWS", "TAGGER_REVIEWS_FILE", "TAGGER_KEYS_FILE", "PORT_FILE"])
def test_no_secret_is_repeated(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("hush\nhush")

    with pytest.raises(SettingError, match=name) as caught:
        read_settings({name: str(tmp_path / "file") if name.endswith("_FILE") else "mysql://u:hush@h/d"})

    assert "hush" not in str(caught.value)


def test_settings_do_not_show_the_password() -> None:
    assert "hush" not in repr(Settings(reviews="postgresql+psycopg://u:hush@h/d"))


def test_keys_and_reviews_are_beside_the_releases() -> None:
    settings = read_settings({"TAGGER_MODELS": "/srv/models"})

    assert (Path("/srv/models/keys.jsonl"), "sqlite:////srv/models/reviews.db") == (settings.keys, settings.reviews)


@pytest.mark.parametrize(("host", "bind"), [("127.0.0.1", "127.0.0.1:80"), ("::", "[::]:80"), ("localhost", "localhost:80")])
def test_an_ipv6_address_is_bound_in_brackets(host: str, bind: str) -> None:
    assert bind == Settings(host=host, port=80).bind


@pytest.mark.parametrize(
    ("host", "public"),
    [
        *[(host, False) for host in ("127.0.0.1", "127.9.8.7", "::1", "localhost", "LOCALHOST.", "::ffff:127.0.0.1")],
        *[(host, True) for host in ("0.0.0.0", "::", "10.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0", "localhost.example")],  # noqa: S104
    ],
)
def test_other_machines_reach_what_is_no_loopback(host: str, public: bool) -> None:
    assert public == is_public(host)


def test_a_public_address_without_keys_is_refused_with_what_to_do() -> None:
    (sentence,) = problems(Settings(host="::"), keys_required=False)

    assert all(
        words in sentence for words in ("TAGGER_HOST is ::", "`tagger keys add NAME --scope tag`", "TAGGER_KEYLESS=true")
    )


@pytest.mark.parametrize(
    ("settings", "required"), [(Settings(), False), (Settings(host="::"), True), (Settings(host="::", keyless=True), False)]
)
def test_other_addresses_are_served(settings: Settings, required: bool) -> None:
    assert [] == problems(settings, keys_required=required)


@pytest.mark.parametrize(
    "url",
    [
        *("sqlite:///a.db", "sqlite:////a/b.db", "sqlite+pysqlite:///a", "sqlite://", "sqlite:///", "sqlite:///:memory:"),
        *("postgresql+psycopg://h/d", "postgresql+psycopg://u:p@/d?host=%2Ftmp", "postgresql+psycopg://u:p/a[@[::1]:5432/d"),
        *("postgresql+psycopg://h", "postgresql+psycopg://h/", "postgresql+psycopg://h:x/d", "postgresql+psycopg:/h/d"),
        *(
            "postgresql://h/d",
            "mysql://h/d",
            "d",
            "",
            "://",
            "sqlite:///a?timeout=5",
            "sqlite://h/a.db",
            "postgresql+psycopg://u:p@h:5432/d?a=b",
        ),
    ],
)
def test_a_url_is_taken_as_the_review_store_takes_it(url: str) -> None:
    def taken(read: object) -> bool:
        with contextlib.suppress(SettingError, StoreUnavailableError):
            read(url)  # type: ignore[operator]
            return True
        return False

    assert taken(lambda text: Database(text, 1)) == taken(store_url)


def told(name: str, meant: str) -> str:
    return f"{name} is no setting of the tagger and changes nothing: did you mean {meant}?"


@pytest.mark.parametrize("name", [variable.name for variable in VARIABLES.values() if variable.name.startswith("TAGGER_")])
def test_a_typo_is_named_with_what_was_meant(name: str) -> None:
    places = range(len("TAGGER_") + 1, len(name))

    for typo in (f"{name[:place]}{name[place + 1 :]}" for place in places if f"{name[:place]}{name[place + 1 :]}" != name):
        assert [told(typo, name)] == unknown_variables({typo: "x"})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("TAGGER_MAX_BODY_BYTES", "TAGGER_MAX_PAGE_BYTES"),
        ("TAGGER_PORT", "PORT"),
        ("WEB_CONCURENCY", "WEB_CONCURRENCY"),
        ("TAGGER_REVIEWS_FIEL", "TAGGER_REVIEWS_FILE"),
    ],
)
def test_other_names_are_known(name: str, meant: str) -> None:
    assert [told(name, meant)] == unknown_variables({name: "9"})


def test_a_name_like_no_other_is_told_without_a_guess() -> None:
    assert ["TAGGER_COLOUR is no setting of the tagger and changes nothing."] == unknown_variables({"TAGGER_COLOUR": "1"})


def test_what_kubernetes_sets_and_what_is_known_is_no_typo() -> None:
    kubernetes = {
        "TAGGER_SERVICE_HOST": "10.0.0.1",
        "TAGGER_SERVICE_PORT_HTTP": "80",
        "TAGGER_PORT": "tcp://10.0.0.1:80",
        "TAGGER_PORT_80_TCP_ADDR": "10.0.0.1",
        "TAGGER_DB_SERVICE_PORT": "5432",
    }

    assert [] == unknown_variables(kubernetes | {"TAGGER_HOST": "::", "TAGGER_KEYS_FILE": "x", "PATH": "/bin"})


def test_every_setting_has_a_variable() -> None:
    assert {field.name for field in fields(Settings)} - {"follow"} == set(VARIABLES)


def test_a_written_default_is_read_as_the_default() -> None:
    plain = {name: variable for name, variable in VARIABLES.items() if not variable.default and name != "cors_origins"}

    for name, variable in plain.items():
        assert getattr(Settings(), name) == variable.parse(written(getattr(Settings(), name))), name


@pytest.mark.parametrize(("content", "live"), [(None, False), (b"", False), (b'{"kind": "ad', False), (b"nonsense\n", True)])
def test_keys_are_seen_as_the_keyring_sees_them(content: bytes | None, live: bool, tmp_path: Path) -> None:
    settings = Settings(models=tmp_path)
    if content is not None:
        settings.keys.write_bytes(content)

    assert live == has_keys(settings) == Keyring(settings.keys).required


def test_one_setting_is_read_whatever_the_others_are() -> None:
    assert Path("/m") == read_one({"TAGGER_MODELS": "/m", "PORT": "x"}, "models")
    assert read_one({"PORT": "x"}, "models") is None


def test_a_value_for_another_process_takes_the_place_of_a_file() -> None:
    assert {"PATH": "/bin", "TAGGER_MODELS": "/m"} == with_value({"PATH": "/bin", "TAGGER_MODELS_FILE": "/f"}, "models", "/m")


NAMES = [name for variable in VARIABLES.values() for name in (variable.name, f"{variable.name}_FILE")]


@given(st.dictionaries(st.sampled_from(NAMES), st.text() | st.from_regex(r"[\w:/@.*?=%\[\]-]{0,30}", fullmatch=True)))
def test_no_environment_raises_anything_else(environment: dict[str, str]) -> None:
    try:
        read_settings(environment)
    except SettingError as error:
        assert all(line.split()[0] in NAMES for line in str(error).split("\n"))  # noqa: PT017 - both outcomes are right


@given(st.dictionaries(st.text(), st.text()))
def test_unknown_variables_are_told_a_line_each(environment: dict[str, str]) -> None:
    assert all(sentence.isprintable() for sentence in unknown_variables({f"TAGGER_{k}": v for k, v in environment.items()}))


def test_the_master_of_gunicorn_imports_neither_flask_nor_numpy() -> None:
    script = (
        "import runpy, sys; runpy.run_path('gunicorn.conf.py'); "
        "print([m for m in ('flask', 'werkzeug', 'numpy', 'sqlalchemy', 'pydantic') if m in sys.modules])"
    )

    assert b"[]\n" == subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True).stdout


@pytest.mark.parametrize("command", [["gunicorn", "-c", "gunicorn.conf.py"], ["tagger.cli", "serve"]])
def test_a_service_does_not_start_with_a_wrong_setting(command: list[str]) -> None:
    environment = {**os.environ, "PORT": "http", "TAGGER_LOG": "pretty"}

    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, env=environment, capture_output=True, check=False)

    assert (1, b"") == (done.returncode, done.stdout)
    said = done.stderr.decode().removeprefix("Error: ").splitlines()
    assert [
        "PORT is 'http': write a whole number from 1 to 65535.",
        "TAGGER_LOG is 'pretty': write auto, json or console.",
    ] == said


def test_a_public_service_does_not_start_without_keys(tmp_path: Path) -> None:
    environment = {**os.environ, "TAGGER_HOST": "0.0.0.0", "TAGGER_KEYS": str(tmp_path / "keys")}  # noqa: S104
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py"]

    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)

    assert (1, b"") == (done.returncode, done.stdout)
    assert done.stderr.startswith(
        b"TAGGER_HOST is 0.0.0.0, which other machines can reach, and there is no API key: run `tagger"
    )
    assert 1 == done.stderr.count(b"\n")


def test_workers_that_are_no_number_are_a_sentence() -> None:
    environment = {**os.environ, "WEB_CONCURRENCY": "many"}

    done = subprocess.run([sys.executable, "-m", "tagger.cli", "serve"], env=environment, capture_output=True, check=False)

    assert b"Error: WEB_CONCURRENCY is 'many': write a whole number from 1 to 256.\n" == done.stderr
