"""Text -> the same text without secrets: API keys, Authorization headers, passwords.

Hides too much rather than too little.
"""

import re

# Looking for these costs a microsecond; few lines of a log hold one, and only those are searched.
_SIGNS = ("tagger_", "://", "authorization", "bearer", "basic", "passw", "secret", "token", "api_key", "api-key", "apikey")
_MASKS = (
    (re.compile(r"tagger_([0-9A-Za-z]+)_[0-9A-Za-z]{16,}"), r"tagger_\1_***"),
    # To the last @: a password may hold one that was not encoded.
    (re.compile(r"(://[^\s:/@]*):\S*@"), r"\1:***@"),
    (re.compile(r"(authorization['\"]?\s*[:=]\s*['\"]?)[^'\"\r\n]+", re.IGNORECASE), r"\1***"),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{6,}", re.IGNORECASE), r"\1 ***"),
    (
        re.compile(r"((?:passw(?:or)?d|secret|token|api[-_]?key)['\"]?\s*[:=]\s*['\"]?)[^\s&;,'\"]+", re.IGNORECASE),
        r"\1***",
    ),
)


def mask(text: str) -> str:
    """Return the text with *** in place of every secret. The id of an API key stays, to tell which key it was."""
    if may_hold_secret(text):
        for pattern, masked in _MASKS:
            text = pattern.sub(masked, text)
    return text


def may_hold_secret(text: str) -> bool:
    """Tell, quickly, whether `mask` has to look at all."""
    lowered = text.lower()
    return any(sign in lowered for sign in _SIGNS)
