"""What stands on a news page without being news: buttons, credits, captions, teasers, adverts, bylines.

The phrases are those of news sites in general (French, some English); the layouts are recognised without them.
"""

import re
from collections.abc import Iterable, Iterator

from tagger.documents import Passage
from tagger.extract.dates import published_in
from tagger.extract.lines import Line, of_short_lines, once
from tagger.extract.phrases import AGENCIES, ANNOUNCES, BUTTONS, NOTICES
from tagger.text import fold_line

# Whole lines, compared folded (lower case, no accents, straight apostrophes), without marks around them.
_BUTTONS = re.compile(f"(?:{BUTTONS}|{NOTICES})", re.VERBOSE)
# Invitations that read like sentences, told by what they ask for.
_INVITATION = re.compile(
    r"\b(?:telechargez .{0,60}\b(?:appli|application)\b|download .{0,60}\bapp\b"
    r"|(?:recevez|inscrivez-vous|abonnez-vous|retrouvez-nous|suivez-nous|rejoignez-nous|subscribe|sign up)\b.{0,120}"
    r"\b(?:newsletters?|boite (?:mail|aux lettres|de reception)|e-?mails?|notifications|whatsapp|facebook|instagram"
    r"|reseaux sociaux|inbox)"
    r"|en vous inscrivant, vous acceptez|vous pouvez vous desinscrire|ce site utilise des cookies"
    r"|(?:app|play) store .{0,40}(?:prefere|favorite?)|disponible sur (?:ios|android))\b"
)
_CREDIT = re.compile(
    r"^(?:©|\(c\)|(?:credits?(?: ?photos?)?|photos?|images?|illustrations?|copyright|archives?|ph\.?|video) ?[:©/].{2,120}"
    r"|\(?photo (?:d'|de |par |by ).{2,80}\)?)|^.{0,200}\((?:photo|ph\.|credits?|archives?|©)[^()]{0,60}\)$",
)
_AGENCY_CREDIT = re.compile(rf"^(?:[^/]{{2,60}} ?/ ?{AGENCIES}\b.{{0,30}}|{AGENCIES} ?(?:/|via|-) ?.{{2,60}})$")
_BYLINE = re.compile(
    r"^(?:par|by) [a-z'-]+(?: [a-z'-]+){0,5} ?(?:[,|(].{0,60})?$|^propos recueillis par .{2,60}$"
    rf"|^\(?.{{0,50}}\b(?:avec|et|with) (?:l')?{AGENCIES}(?: et (?:l')?{AGENCIES})?\)?\.?$"
    rf"|^\(?{AGENCIES}\)?$|^.{{0,30}}avec agences?$"
)
_TEASER = re.compile(
    r"^(?:(?:[aà] )?(?:lire|relire|voir|revoir|ecouter|reecouter|regarder|decouvrir)"
    r" ?(?:aussi|egalement|encore|notre .{1,30}|:|\||>)"
    r"|[aà] (?:lire|voir|ecouter|regarder|decouvrir)\b|>+ ?\w)"
)
_ANNOUNCES = re.compile(ANNOUNCES)
_BARE_TEASER = re.compile(r"^(?:Lire|Relire|Voir|Revoir|Écouter|Ecouter|Réécouter|Regarder|LIRE|VOIR) +[A-ZÀ-Þ«\"“]")
_MARKS = "→>►▶▸•·|*# \t-–—[]"
_MENU = re.compile(r"\s[|•·>/]\s")
_DECORATION = re.compile(r"^[\W_]*$")

# Furniture inside a paragraph. A teaser has no end of its own: it is taken to run to the end of its sentence, which may
# cost a sentence of the article; left in, it would vote for the subject of another article.
_INLINE = re.compile(
    r"(?:[ÀA] )?(?:\b[Ll]ire|\b[Vv]oir|\bLIRE|\bVOIR|\b[ÉE]couter)\s+(?:aussi|également|AUSSI|ÉGALEMENT)"
    r"\s*[:|>»]\s*[^.!?\n]{0,300}[.!?]?"
    r"|Il vous reste [\d.,]{1,5}\s?% de cet article à lire\.?(?: La suite est réservée aux abonnés\.?)?"
    r"|(?:Cet )?[Aa]rticle (?:est )?réservé (?:aux|à nos) abonnés\.?|\bLa suite après (?:la|cette) publicité\b"
    r"|(?<=[.!?»] )Publicité(?= [A-ZÀ-Þ«])"
    r"|\((?:[Aa]vec )?(?:AFP|Reuters|AP)\)|(?:[Cc]rédits?(?: photo)?|Photo) ?: [^.\n]{2,60}(?:AFP|Reuters|AP|Sipa|MaxPPP)\b\.?"
)
# What every one of them holds; few paragraphs do, and looking for it is fifteen times quicker than looking for them: each
# alternative begins with a letter that is known, so that the search can jump to it.
_INLINE_CORE = re.compile(
    r"aussi\s*[:|>»]|également\s*[:|>»]|AUSSI\s*[:|>»]|ÉGALEMENT\s*[:|>»]|% de cet article|éservé (?:aux|à nos)"
    r"|La suite après|Publicité|AFP|Reuters|AP|Sipa|MaxPPP"
)


@once
def _folded(line: Line) -> str:
    return fold_line(line.text)


@once
def _unmarked(line: Line) -> str:
    bare = line.text.strip(_MARKS)
    return _folded(line) if bare == line.text else fold_line(bare)


@of_short_lines
def is_byline(line: Line) -> bool:
    """Whether the line names who wrote it, or the agency it was written with."""
    return line.words <= 12 and not line.prose and bool(_BYLINE.match(_unmarked(line)))


@of_short_lines
def is_credit(line: Line) -> bool:
    """Whether the line is the credit of a picture."""
    folded = _folded(line)
    return bool(_CREDIT.match(folded) or (_AGENCY_CREDIT.match(folded) and not line.prose))


@of_short_lines
def is_teaser(line: Line) -> bool:
    """Whether the line points to another article. A paragraph that begins with `Lire` ends with a full stop."""
    text = line.text
    bare = text.lstrip(_MARKS)
    if bare.rstrip("\"'»” )").endswith(".") or line.words > 35:
        return False
    if _TEASER.match(_folded(line)) or _BARE_TEASER.match(bare):
        return True
    return bare != text and bool(_TEASER.match(fold_line(bare)))


@of_short_lines
def is_furniture(line: Line) -> bool:
    """Whether the line, wherever it stands, is no part of any document."""
    folded = _unmarked(line)
    return bool(
        _DECORATION.match(line.text)
        or any(map(_BUTTONS.fullmatch, map(str.strip, _MENU.split(folded))))
        or _INVITATION.search(folded)
        or is_credit(line)
        or is_teaser(line)
        or (published_in(line) and line.words <= 14)
    )


@of_short_lines
def _labels_a_picture(line: Line) -> bool:
    return _folded(line) in {"image", "photo"}


@of_short_lines
def _announces(line: Line) -> bool:
    return bool(_ANNOUNCES.fullmatch(_unmarked(line)))


def captions_and_announced(lines: list[Line]) -> set[int]:
    """Return the indices of picture captions: lines repeated one after the other, beside a credit or the word `Image`.

    Also of the headlines that a lone `À lire aussi` or `Sur le même sujet` announces.
    """
    found: set[int] = set()
    announced: set[int] = set()
    if len(lines) < 2:  # neither is ever alone
        return found
    for i, line in enumerate(lines):
        if line.plain and i - 1 not in announced:
            continue
        if _labels_a_picture(line) and i + 2 < len(lines) and lines[i + 1].text == lines[i + 2].text:
            found |= _run_of(lines, i + 1, +1)
        if i - 1 in announced or _announces(line):
            follows = i + 1 < len(lines) and lines[i + 1].headline and 4 <= lines[i + 1].words <= 30
            announced |= {i} if follows else set()
            found |= {i + 1} if follows else set()
        if is_credit(line) and i >= 2 and lines[i - 1].text == lines[i - 2].text:
            found |= _run_of(lines, i - 1, -1)
    return found


# A caption stands two or three times; without a bound, a page of credits alone would be walked once for each of its lines.
_MOST_COPIES = 5


def _run_of(lines: list[Line], first: int, step: int) -> set[int]:
    run: set[int] = set()
    i = first
    while 0 <= i < len(lines) and lines[i].text == lines[first].text and len(run) < _MOST_COPIES:
        run.add(i)
        i += step
    return run


def passages(lines: Iterable[Line]) -> Iterator[Passage]:
    """Yield the text of lines without the furniture that stands inside them, as verbatim slices."""
    for line in lines:
        if line.plain or not _INLINE_CORE.search(line.raw):
            yield Passage(line.raw, line.start)
        else:
            yield from _without_inline(line)


def _without_inline(line: Line) -> Iterator[Passage]:
    position = 0
    for match in _INLINE.finditer(line.raw):
        yield from _passage(line, position, match.start())
        position = match.end()
    yield from _passage(line, position, len(line.raw))


def _passage(line: Line, start: int, end: int) -> Iterator[Passage]:
    part = line.part(start, end)
    if part.raw:
        yield Passage(part.raw, part.start)
