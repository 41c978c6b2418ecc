"""When a line says it was published: clock times of live posts, ages (`2 days ago`, `il y a 3 heures`) and dates."""

import re
from dataclasses import dataclass

from tagger.extract.lines import Line, of_short_lines

_MONTH = (
    r"(?:janv(?:ier|\.)?|f[ée]vr?(?:ier|\.)?|mars|avr(?:il|\.)?|mai|juin|juil(?:let|\.)?|ao[ûu]t|sept(?:embre|\.)?"
    r"|oct(?:obre|\.)?|nov(?:embre|\.)?|d[ée]c(?:embre|\.)?)"
)
_DAY = r"(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche)"
_DATE = (
    rf"(?:(?:{_DAY} )?(?:0?[1-9]|[12]\d|3[01])(?:er)? {_MONTH}(?: (?:19|20)\d\d)?"
    r"|(?:0?[1-9]|[12]\d|3[01])[-/.](?:0?[1-9]|1[0-2])[-/.](?:(?:19|20)\d\d|\d\d)|(?:19|20)\d\d-\d\d-\d\d)"
)
_CLOCK = r"(?P<hour>[01]?\d|2[0-3]) ?(?:[hH] ?(?P<minute>[0-5]\d)?|:(?P<minute2>[0-5]\d)(?::[0-5]\d)?)"
_ZONE = r"(?: ?(?:TU|UTC|GMT|CET|CEST|heure de Paris|\(heure de Paris\)))?"

# The number of units is bounded, so that `France 242 hours ago` is read as `France 24`, `2 hours ago`.
_SMALL, _SIXTY, _DAYS = r"(?:1\d|2[0-3]|[1-9])", r"[1-5]?\d", r"(?:[12]?\d|3[01])"
_FRENCH = (
    rf"(?:{_SIXTY} ?(?:secondes?|sec|s|minutes?|mins?|mn)|{_SMALL} ?(?:heures?|h)|{_DAYS} ?(?:jours?|j)"
    r"|\d{1,2} ?(?:semaines?|sem\.?|mois|ans?|années?))"
)
_FRENCH_VAGUE = r"(?:une? (?:minute|heure|jour|semaine|mois|an)|quelques (?:secondes|minutes|heures|jours))"
_ENGLISH = (
    rf"(?:{_SIXTY} ?(?:seconds?|secs?|s|minutes?|mins?|m)|{_SMALL} ?(?:hours?|hrs?|h)|{_DAYS} ?(?:days?|d)"
    r"|\d{1,2} ?(?:weeks?|months?|years?|w|y)|an? (?:few )?(?:second|minute|hour|day|week|month|year)s?)"
)
_AGE = (
    rf"(?:(?:il y a|depuis) (?:environ )?(?:{_FRENCH}|{_FRENCH_VAGUE})|(?:about )?{_ENGLISH} ago|{_FRENCH}"
    r"|just now|yesterday|à l'instant|hier|aujourd'hui)"
)
_PLAIN_CLOCK = re.sub(r"\?P<\w+>", "?:", _CLOCK)
_AT = rf"(?:(?:,| à| a| -|,? at)? ?{_PLAIN_CLOCK}{_ZONE})?"
# The shortest prefix wins, so the whole age is read: `20 Minutes3 hours ago`, `L'Équipeil y a 3 heures`, `timea day ago`.
_STAMPED = re.compile(rf"^(?P<before>.*?)(?P<stamp>{_AGE}|{_DATE}{_AT})$", re.IGNORECASE)
# Every age and date has a figure among its last twenty characters (`9 h (heure de Paris)`), or ends with one of these words.
_LIKE_A_STAMP = re.compile(
    r"\d|(?:secondes?|minutes?|heures?|jours?|semaine|mois|an|ago|now|yesterday|instant|hier|aujourd'hui)$", re.IGNORECASE
)
_CLOCK_LINE = re.compile(rf"^(?:(?:{_DATE}|{_DAY}|hier|aujourd'hui),?(?: à| -)? ?|à )?{_CLOCK}{_ZONE}$", re.IGNORECASE)
_ANY_CLOCK = re.compile(rf"\b{_CLOCK}{_ZONE}$", re.IGNORECASE)
# As machines write it: `2025-05-03T17:04:00+02:00`, `Sat, 03 May 2025 17:04:00 +0200`. What ends such a date is no time.
_MACHINE_CLOCK = re.compile(
    r"\d[T ](?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d)(?P<minute2>)(?::\d\d(?:[.,]\d{1,9})?)?"
    r" ?(?:Z|[A-Z]{2,4}|[+-]\d\d:?\d\d)?$"
)
_PUBLISHED = re.compile(
    rf"\b(?:publié|posté|mis en ligne|écrit|paru|démarré|commencé|créé|mis à jour|modifié)e?s?(?: le| ce)?[ :]*"
    rf"(?P<stamp>{_DATE}{_AT}|{_AGE}|à {_PLAIN_CLOCK}{_ZONE})",
    re.IGNORECASE,
)
# What stands for a clock when an icon's name is scraped as text, and words that introduce an age.
_ICON = re.compile(r"(?:^|(?<=[\s|•·-]))(?:time|clock|schedule|horloge|access_time)$", re.IGNORECASE)
_LEAD_IN = re.compile(
    r"(?:en ligne|mis en ligne|publié|posté|ajouté|mis à jour|maj|posted|updated|published)(?: le| depuis| :)?$",
    re.IGNORECASE,
)
_GLUED = re.compile(r"(?<=[a-zà-öø-ÿ0-9)])(?=[A-ZÀ-ÖØ-Þ][a-zà-öø-ÿ])")
_SEPARATORS = " \t|•·–—-,:;/\u00a0\u202f"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What stands before an age or date at the end of a line (a source, a rubric, or nothing), and the age as written."""

    before: str
    published: str


@of_short_lines
def clock_time(line: Line) -> str | None:
    """Return HH:MM when the line is nothing but a time of day (`17H38`, `9h05`, `20 h 38`, `09:05 GMT`), else None."""
    match = _CLOCK_LINE.match(line.text)
    return _hh_mm(match) if match else None


def time_of(published: str) -> str | None:
    """Return the HH:MM that a `published` text ends with, as its own time zone has it, or None."""
    match = _MACHINE_CLOCK.search(published[-40:]) or _ANY_CLOCK.search(published[-40:])
    return _hh_mm(match) if match else None


def _hh_mm(match: re.Match[str]) -> str:
    minute = match["minute"] or match["minute2"] or "00"
    return f"{int(match['hour']):02d}:{minute}"


@of_short_lines
def stamp_of(line: Line) -> Stamp | None:
    """Split a short line that ends with an age or a date, or return None. Icon names and `En ligne` are dropped."""
    if line.words > 12 or line.prose:
        return None
    match = _LIKE_A_STAMP.search(line.text, len(line.text) - 20) and _STAMPED.match(line.text)
    if match is None:
        return None
    before = _ICON.sub("", match["before"].rstrip(_SEPARATORS)).strip(_SEPARATORS)
    before = _LEAD_IN.sub("", before).strip(_SEPARATORS)
    return Stamp(before, match["stamp"].strip(_SEPARATORS))


def split_glued(text: str) -> str:
    """Return what stands before the last capital that is glued to a small letter: `SportVu il y a` -> `Sport`."""
    cuts = [match.start() for match in _GLUED.finditer(text)]
    return text[: cuts[-1]] if cuts else text


@of_short_lines
def published_in(line: Line) -> str | None:
    """Return the date or age that a line announces (`Publié le 3 mai 2025 à 17h04`), or None."""
    match = _PUBLISHED.search(line.text) if line.words <= 20 else None
    return match["stamp"].strip(_SEPARATORS) if match else None
