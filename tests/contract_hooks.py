"""What schemathesis is told of our media types: raw pages, feeds and lines, well formed about half of the time."""

import json
from urllib.parse import urlencode

import schemathesis
from hypothesis import strategies as st

_WORDS = st.sampled_from(
    "Kiev drones Séoul élections défense budget chef recette four gratin il y a 3 heures <p> & \x00 ’ 한국".split(" ")
)
_PROSE = st.lists(_WORDS, min_size=1, max_size=30).map(" ".join)
_TEXT = st.one_of(st.text(max_size=400), _PROSE)


def _feed(root: str, item: str) -> st.SearchStrategy[bytes]:
    return st.lists(_PROSE.map(lambda text: text.replace("&", "").replace("<p>", "").replace("\x00", "")), max_size=4).map(
        lambda texts: (root % "".join(item % text for text in texts)).encode()
    )


_RSS = _feed('<rss version="2.0"><channel><title>a</title>%s</channel></rss>', "<item><title>%s</title></item>")
_ATOM = _feed('<feed xmlns="http://www.w3.org/2005/Atom">%s</feed>', "<entry><title>%s</title></entry>")
_NOISE = st.one_of(st.binary(max_size=300), _TEXT.map(lambda text: text.encode(errors="replace")))
_LINES = st.lists(st.one_of(_TEXT.map(lambda text: json.dumps({"title": text})), _TEXT), max_size=6).map(
    lambda lines: "\n".join(lines).encode(errors="replace")
)

for media, strategy in {
    "text/plain": _NOISE,
    "text/html": st.one_of(
        _NOISE, _PROSE.map(lambda text: f"<html><body><article><p>{text}</p></article></body></html>".encode())
    ),
    "application/rss+xml": st.one_of(_NOISE, _RSS),
    "application/atom+xml": st.one_of(_NOISE, _ATOM),
    "application/x-ndjson": _LINES,
}.items():
    schemathesis.openapi.media_type(media, strategy)


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case) -> bool:  # noqa: ARG001 - named by schemathesis
    """Leave out URLs of over 4 kB: gunicorn refuses them (414) before the service sees them."""
    return len(urlencode(case.query or {}, doseq=True)) < 3500
