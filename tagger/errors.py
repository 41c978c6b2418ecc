"""Every failure the tagger tells a caller about, as one family; the HTTP and command-line edges alone catch them."""


class TaggerError(Exception):
    """Base of the errors a caller can act on; never raised itself. Its text is a sentence that says what to change."""


class SettingError(TaggerError):
    """Environment variables have values that cannot be used; the text has a line for each of them."""


class UnreadablePageError(TaggerError):
    """The text given as a page cannot be read as one: it is empty, markup, or not text at all."""


class InvalidDocumentError(TaggerError):
    """A JSON page or document has missing, misnamed or wrongly typed parts."""


class NoReleaseError(TaggerError):
    """There is no release to load: none was ever promoted, or its folder is missing."""


class DamagedReleaseError(TaggerError):
    """A release is there but cannot be trusted: a file is missing, altered, malformed, or its golden answers differ."""


class InvalidReviewError(TaggerError):
    """A review cannot be stored as it is: no verdict, no text, a topic with two verdicts, a time that is none."""


class ReviewConflictError(TaggerError):
    """The idempotency key of a review already holds another one."""


class StoreUnavailableError(TaggerError):
    """The review store does not answer: its database is down, full, locked or not migrated."""


class MissingKeyError(TaggerError):
    """A request brought no API key, and needs one."""


class UnknownKeyError(TaggerError):
    """A request brought an API key that opens nothing: never added, revoked, or not what such a key looks like."""


class MissingScopeError(TaggerError):
    """A request brought an API key that may not do this."""


class DamagedKeysError(TaggerError):
    """The file of the API keys cannot be read as one, so that nobody can tell who may come in."""


class MetricsBusyError(TaggerError):
    """The workers' metrics cannot be added up now: a worker hangs as it makes its files."""
