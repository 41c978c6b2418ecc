"""Sections that were measured -> one Markdown file and one page of all that are there, so that each can be measured anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from training.report import html_page

PARTS = ("tagging", "vocabulary", "training", "archive", "profile", "service")
TITLE = "How fast the tagger is"


@dataclass(frozen=True, slots=True)
class Section:
    """What one part measured: Markdown under a heading of the second level, and its pictures (SVG) by file name."""

    part: str
    markdown: str
    pictures: Mapping[str, str] = field(default_factory=dict)


def write(section: Section, folder: Path) -> Path:
    """Write a section into the folder, and the page of all sections there; return the page."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{section.part}-*.svg"):
        old.unlink()
    for name, picture in section.pictures.items():
        (folder / name).write_text(picture, encoding="utf-8")
    (folder / f"{section.part}.md").write_text(section.markdown, encoding="utf-8")
    measured = [path.read_text(encoding="utf-8") for part in PARTS if (path := folder / f"{part}.md").is_file()]
    pictures = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.svg"))}
    markdown = "\n".join(measured)
    (folder / "speed.md").write_text(f"# {TITLE}\n\n{markdown}", encoding="utf-8")
    (folder / "speed.html").write_text(html_page(TITLE, markdown, pictures), encoding="utf-8")
    return folder / "speed.html"


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table: words to the left in the first column, numbers to the right in all others."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines) + "\n"


def picture(name: str) -> str:
    """Return the Markdown of a picture, as the page finds it."""
    return f"\n![{name}]({name})\n"
