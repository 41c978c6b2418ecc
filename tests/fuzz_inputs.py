"""Random inputs for the readers, each shaped like what its reader reads: pages, JSON parts, HTML, feeds, ninjs.

Most are small, a few have up to a megabyte. The same `Random` gives the same input.
"""

import json
import string
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

MEGABYTE = 1 << 20
# Unicode that readers stumble over: combining marks of several kinds, invisible and control characters, breaks and spaces of
# all sorts, letters whose case or composition has another length, digits that are no ASCII, half of a surrogate pair.
ODD = [
    *"\u0301\u0327\u0308\u0345\u05b0\u0591\u064b\u0e31\u1ab0\u20d0\U0001d165",
    *"\u00ad\u200b\u200d\u200e\u202e\u2060\u2066\ufeff\ufe0f",
    *"\x00\x01\x07\x08\x0b\x0c\x1b\x1c\x1f\x7f\x85\u2028\u2029\r\t",
    *"\u00a0\u202f\u2007\u2009\u3000\u1680\u180e",
    *"İıſßﬁŒœÅKΩ\u0344\u0958\u1100\u1161\uac00\ufb2cǆΐẞﷺ",
    *"²½١५߃Ⅷ①🄰",
    *"’‘ʼ′´`\uff07«»“”…–—―·•▪►‣◦→",
    *"\ud800\udfff\uffff\U0010ffff\U0001f1eb\U0001f468",
    *"&;<>|*#-.!?()[]{}/\\:\"'@%$©",
]
ENTITIES = [
    "&amp;",
    "&eacute;",
    "&nbsp;",
    "&#x301;",
    "&#0;",
    "&#xD800;",
    "&#x37e;",
    "&#9999999;",
    "&shy;",
    "&notanentity;",
    "&lt",
]
MARKUP = ["<p>", "</p>", "<br/>", "<div class='x'>", "<html>", "<!--", "<![CDATA[", "]]>", "<script>", "<?xml"]
FURNITURE = [
    "Partager", "Image", "Photo", "X", "© AFP", "© Agence / Photographe", "(AFP)", "AFP", "Par Jeanne Martin", "avec AFP",
    "À lire aussi", "Sur le même sujet", "Lire aussi : Le bac de Varsanne", "Publicité", "Tweet URL", "12 Commentaires",
    "Article réservé aux abonnés", "Il vous reste 70 % de cet article à lire.", "Recevez notre newsletter par e-mail",
    "Accueil | Monde | Sport", "Télécharger l'application", "Qui anime ce direct ?", "Tous droits réservés", "3 min de lecture",
    "Publié le 3 mai 2025 à 17h04", "mis à jour à 9h", "Crédits photo : Jean / AFP", "La suite après cette publicité",
]  # fmt: skip
UNITS = ["secondes", "minutes", "min", "heures", "h", "jours", "j", "semaines", "mois", "ans", "hours ago", "days ago", "d"]
DATES = ["14-07-2025", "3 mai 2025", "1er août", "lundi 12 février 2024 à 9h05", "2025-05-03", "hier", "aujourd'hui à 17h04 TU"]
SOURCES = ["", "", "Le Progrès", "20 Minutes", "France 24", "time", "CultureEn Ligne ", "Sète · ", "Publié "]
BREAKS = ["\n"] * 8 + ["\n\n"] * 6 + ["\r\n", "\r\n\r\n", "\r", "\u2028", "\x85", "\x0b", " ", "", "\n \n", "\n\u00a0\n"]

Make = Callable[[Random], str]


@cache
def page_lines() -> list[str]:
    """Return the lines of the golden pages."""
    pages = sorted((Path(__file__).parent / "pages").glob("*.txt"))
    return [line for page in pages for line in page.read_text(encoding="utf-8").splitlines()]


def _word(chance: Random) -> str:
    return "".join(chance.choices(string.ascii_letters + "éèàçœ", k=chance.choice((1, 1, 2, 2, 3, 6, 9, 23))))


def _words(chance: Random) -> str:
    return " ".join(_word(chance) for _ in range(chance.choice((1, 2, 3, 6, 12, 36)))) + chance.choice(
        ("", "", ".", " ?", " »")
    )


def _any_characters(chance: Random) -> str:
    return "".join(chr(chance.randrange(0x110000)) for _ in range(chance.randint(1, 8)))


def _odd(chance: Random) -> str:
    return "".join(chance.choices(ODD, k=chance.randint(1, 6)))


def _clock(chance: Random) -> str:
    return f"{chance.randrange(26)}{chance.choice('hH:')}{chance.choice(('', '05', '38', '7'))}{chance.choice(('', '', ' TU'))}"


def _age(chance: Random) -> str:
    lead = chance.choice(("", "", "il y a ", "depuis environ "))
    return f"{chance.choice(SOURCES)}{lead}{chance.randrange(70)} {chance.choice(UNITS)}"


def _of(choices: list[str]) -> Make:
    return lambda chance: chance.choice(choices)


def _line_of_a_page(chance: Random) -> str:
    return chance.choice(page_lines())


_LINES: list[Make] = [_line_of_a_page] * 12 + [_words] * 3 + [_age, _clock, _of(FURNITURE)] * 2
_LINES += [_of(DATES), _odd, _any_characters, _of(ENTITIES), _of(MARKUP), _of([""])]


def _changed(line: str, chance: Random) -> str:
    """Return a line cut, doubled, shouted, or with something odd inside."""
    at = chance.randint(0, len(line))
    return chance.choice(
        (line[:at], line[at:], line * 2, line.upper(), line[:at] + _odd(chance) + line[at:], line[:at] + _a_line(chance))
    )


def _a_line(chance: Random) -> str:
    line = chance.choice(_LINES)(chance)
    return _changed(line, chance) if chance.random() < 0.2 else line


def _size(chance: Random) -> int:
    """Return how long an input is, in characters, about: mostly short, at times long, hardly ever a megabyte."""
    dice = chance.random()
    if dice < 0.98:
        return chance.choice((0, 20, 60, 200, 500, 1000))
    return 10_000 if dice < 0.9985 else 100_000 if dice < 0.99995 else MEGABYTE


def _filled(size: int, make: Callable[[], str], between: str) -> str:
    """Return pieces, at least one, with something between them, until they fill the size."""
    pieces, length = [make()], 0
    while length < size:
        pieces.append(make())
        length += len(pieces[-1]) + len(between) + 1
    return between.join(pieces)


def _mixed(chance: Random, size: int) -> str:
    between = chance.choice(BREAKS)
    return _filled(size, lambda: _a_line(chance), between)


def _repeated(chance: Random, size: int) -> str:
    """Return one thing over and over: a line, a character, a few of these in turn."""
    unit = chance.choice(BREAKS).join(_a_line(chance)[: chance.choice((1, 3, 30, 300))] for _ in range(chance.randint(1, 3)))
    unit += chance.choice((*BREAKS, "", "", ""))
    return _a_line(chance) + unit * (size // max(1, len(unit))) + _a_line(chance)


def _tiny_lines(chance: Random, size: int) -> str:
    """Return lines of a few characters, hardly two alike: the most lines that a size can hold."""
    letters = chance.choice(
        (string.ascii_letters, string.digits + "h:j-", "éàçœ’", "一丁丂七丄丅丆万", "".join(ODD), "ab &;\u0301")
    )
    longest = chance.choice((1, 2, 3, 4))
    return _filled(size, lambda: "".join(chance.choices(letters, k=longest)), chance.choice(BREAKS[:-4]))


def _same_kind(chance: Random, size: int) -> str:
    """Return lines that are all ages, or all times of day, or all furniture, in turn with tiny texts."""
    kinds = chance.choices(_LINES, k=chance.choice((1, 2))) + chance.choice(([], [_word], [_words]))
    return _filled(size, lambda: "\n".join(kind(chance) for kind in kinds), chance.choice(BREAKS))


_TEXTS = [_mixed] * 6 + [_repeated, _repeated, _tiny_lines, _same_kind]


def a_text(chance: Random) -> str:
    """Return the text of a page, or of a part of one."""
    return chance.choice(_TEXTS)(chance, _size(chance))


def _short_text(chance: Random) -> str:
    return _mixed(chance, chance.choice((0, 20, 200)))


def _anything(chance: Random) -> Any:
    """Return a value that a careless client may send where a string is expected."""
    return chance.choice((None, "", 0, -1.5, True, [], {}, [None], {"a": []}, "x", 1 << 70, float("nan")))


def _maybe_wrong(value: Any, chance: Random) -> Any:
    return _anything(chance) if chance.random() < 0.02 else value


def a_record(chance: Random) -> dict[str, Any]:
    """Return the parts of a page as JSON, now and then with something of the wrong type."""
    record = _part(chance)
    if chance.random() < 0.3:
        record[chance.choice(("related", "posts"))] = [_maybe_wrong(_part(chance), chance) for _ in range(chance.randint(0, 4))]
    return record


def _part(chance: Random) -> dict[str, Any]:
    makes: dict[str, Make] = {"title": _a_line, "lead": _short_text, "body": a_text, "rubric": _word, "source": _word}
    makes |= {"published": _of(DATES), "time": _clock, "id": _word, "kind": _of(["article", "related", "live_post"])}
    return {name: _maybe_wrong(make(chance), chance) for name, make in makes.items() if chance.random() < 0.6}


# --- markup ---

_TAGS = ["p", "div", "article", "section", "h1", "h2", "li", "ul", "a", "span", "table", "tr", "td", "figure", "time", "aside"]
_ATTRIBUTES = [
    "class='article__body'",
    "href='/a'",
    "id=x",
    "datetime='2025-05-03'",
    "hidden",
    "title=\"a'b",
    "data-x='&quot;'",
]
_ENCODINGS = ["utf-8"] * 6 + ["utf-8-sig", "iso-8859-15", "windows-1252", "utf-16", "utf-16-be", "utf-32"]
_JSON_LD = '<script type="application/ld+json">{}</script>'


def _element(chance: Random, tags: list[str], text: str) -> str:
    tag = chance.choice(tags)
    attribute = " " + chance.choice(_ATTRIBUTES) if chance.random() < 0.3 else ""
    end = f"</{chance.choice(tags) if chance.random() < 0.05 else tag}>" if chance.random() < 0.9 else ""
    return f"<{tag}{attribute}>{text}{end}"


def _nested(chance: Random, tags: list[str], depth: int) -> str:
    inner = [_nested(chance, tags, depth - 1) if depth and chance.random() < 0.5 else _a_line(chance) for _ in range(3)]
    return _element(chance, tags, "".join(inner))


def _json_ld(chance: Random) -> str:
    story = {"@type": chance.choice(("NewsArticle", "LiveBlogPosting", ["Article"], 3)), "headline": _a_line(chance)}
    story |= {"articleBody": _maybe_wrong(_short_text(chance), chance), "liveBlogUpdate": [_maybe_wrong({}, chance)]}
    return _JSON_LD.format(json.dumps(chance.choice((story, [story], {"@graph": [story]}))))


def _repeated_markup(chance: Random, tags: list[str]) -> str:
    """Return what parsers are known to be slow at: depth, endless comments and attributes, entities, tags never closed."""
    tag = chance.choice(tags)
    unit = chance.choice(
        (
            f"<{tag}>",
            f"</{tag}>",
            f"<{tag}><{tag}/>",
            "<!--",
            "<",
            "&",
            "&amp;",
            "]]>",
            "<![CDATA[",
            f"<{tag} a=b ",
            "<a href=x>a</a>",
        )
    )
    return unit * (_size(chance) // len(unit))


def _broken(text: str, chance: Random) -> bytes:
    """Return the text as bytes in some encoding, at times cut off or with bytes that it cannot have."""
    content = text.encode(chance.choice(_ENCODINGS), "replace" if chance.random() < 0.5 else "xmlcharrefreplace")
    if chance.random() < 0.1:
        at = chance.randint(0, len(content))
        content = content[:at] + chance.choice((b"", b"\xff\xfe", b"\x00\x00", b"\x80")) + content[at + chance.randint(0, 9) :]
    return content[: chance.randint(0, len(content))] if chance.random() < 0.1 else content


def an_html_page(chance: Random) -> tuple[bytes, str | None]:
    """Return the bytes of an HTML page and the charset that was declared for it, which may be wrong."""
    head = f"<!doctype html><html><head><meta charset={chance.choice(_ENCODINGS)}><title>{_a_line(chance)}</title>"
    pieces = [_json_ld(chance)] if chance.random() < 0.3 else []
    pieces += [_nested(chance, _TAGS, chance.randint(0, 4)) for _ in range(chance.randint(0, 6))]
    pieces += [_repeated_markup(chance, _TAGS)] if chance.random() < 0.2 else []
    pieces += [a_text(chance)] if chance.random() < 0.2 else []
    charset = chance.choice((None, None, "utf-8", "windows-1252", "utf-16", "no-such-charset", ""))
    return _broken((head if chance.random() < 0.8 else "") + "".join(pieces), chance), charset


_FEED_TAGS = [
    "title",
    "description",
    "link",
    "item",
    "entry",
    "summary",
    "content",
    "content:encoded",
    "category",
    "pubDate",
    "guid",
]
_FEEDS = [
    "<rss version='2.0' xmlns:content='http://purl.org/rss/1.0/modules/content/'><channel>{}</channel></rss>",
    "<feed xmlns='http://www.w3.org/2005/Atom'>{}</feed>",
    "<newsItem xmlns='http://iptc.org/std/nar/2006-10-01/'>{}</newsItem>",
    "<?xml version='1.0' encoding='utf-8'?><rss><channel>{}</channel></rss>",
    "<!DOCTYPE r [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><rss><channel><title>&b;</title>{}</channel></rss>",
    "{}",
]


def _item(chance: Random) -> str:
    tag = chance.choice(("item", "entry"))
    inner = "".join(f"<{name}>{_escaped(_short_text(chance), chance)}</{name}>" for name in chance.sample(_FEED_TAGS, 3))
    return f"<{tag}>{inner}</{tag}>"


def _escaped(text: str, chance: Random) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return chance.choices((escaped, f"<![CDATA[{text}]]>", text), weights=(8, 4, 1))[0]


def a_feed(chance: Random) -> bytes:
    """Return the bytes of a feed, or of something like one."""
    pieces = [_item(chance) for _ in range(chance.randint(0, 5))]
    pieces += [_nested(chance, _FEED_TAGS, 2)] if chance.random() < 0.1 else []
    pieces += [_repeated_markup(chance, _FEED_TAGS)] if chance.random() < 0.1 else []
    return _broken(chance.choice(_FEEDS).format("".join(pieces)), chance)


def a_ninjs(chance: Random) -> dict[str, Any]:
    """Return an item of ninjs, of version 1, 2 or 3, or something like one."""
    texts = {name: _a_line(chance) for name in ("headline", "title", "byline", "type", "urgency", "versioncreated")}
    texts |= {name: a_text(chance) for name in ("body_text", "description_text") if chance.random() < 0.5}
    texts |= {"body_xhtml": _nested(chance, _TAGS, 2), "uri": _word(chance), "standard": "ninjs"}
    item = {name: _maybe_wrong(text, chance) for name, text in texts.items() if chance.random() < 0.6}
    for name in ("headlines", "bodies", "descriptions", "associations", "subject", "subjects"):
        if chance.random() < 0.3:
            values = [
                _maybe_wrong({"role": _word(chance), "value": _short_text(chance)}, chance) for _ in range(chance.randint(0, 3))
            ]
            item[name] = _maybe_wrong(
                chance.choice((values, {str(n): value for n, value in enumerate(values)}, {"a": values[:1]})), chance
            )
    return item
