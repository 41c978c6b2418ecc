"""Bytes of a page -> text, by what names its encoding. Knows no markup but the `<meta>` that names a charset."""

import codecs
import re

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# The HTML standard reads a page's first kilobyte; several sites put scripts above the charset, so four are read here.
_META_REACH = 4096
_META = re.compile(rb"""<meta[^>]{0,300}?charset\s{0,9}=\s{0,9}["']?\s{0,9}([\w:.-]{2,40})""", re.IGNORECASE)
_XML = re.compile(rb"""\s{0,99}<\?xml[^>]{0,200}?encoding\s{0,9}=\s{0,9}["']([\w:.-]{2,40})""")
# Encodings of text alone: Python also knows codecs that unpack archives, write surrogates, or take quadratic time (punycode).
_ENCODINGS = re.compile(r"utf-(8|8-sig|16|32)(-[bl]e)?|ascii|(iso8859|cp|mac|koi8|gb|big5|euc|shift)[\w-]*")


def decoded(content: bytes, charset: str | None = None) -> str:
    """Return the text of a page: by its byte order mark, else `charset` (HTTP's), else what it says of itself.

    A name that is wrong or unknown is passed over for UTF-8 and then windows-1252, which reads anything.
    """
    for codec in (_marked(content), codec_of(charset), declared(content), "utf-8"):
        try:
            if codec:
                return content.decode(codec)
        except UnicodeDecodeError:
            continue
    return content.decode("windows-1252", "replace")


def declared(content: bytes) -> str | None:
    """Return the codec that XML or HTML names in itself, or None: none is named, or none that Python has for text."""
    match = _XML.match(content) or _META.search(content, 0, _META_REACH)
    return codec_of(match[1].decode()) if match else None


def codec_of(name: str | None) -> str | None:
    """Return Python's name of an encoding, or None. Latin-1 is read as windows-1252, as browsers do: it has the œ and the €."""
    if name is None:
        return None
    try:
        codec = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    if codec in {"iso8859-1", "ascii"}:
        return "windows-1252"
    return codec if _ENCODINGS.fullmatch(codec) else None


def _marked(content: bytes) -> str | None:
    return next((codec for mark, codec in _MARKS if content.startswith(mark)), None)
