"""Reviews, answers, the documents they are about, and which of those were handed out."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    _create_documents()
    _create_reviews()
    _create_answers()
    _create_samples()


def _create_documents() -> None:
    op.create_table(
        "documents",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("parts", sa.Text, nullable=False),
    )


def _create_reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("document", sa.String(64), sa.ForeignKey("documents.id"), nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("release", "accepted", "rejected", "added", "reviewer", "time")
        ),
        sa.Column("instant", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("key", name="reviews_key"),
    )
    op.create_index("ix_reviews_document", "reviews", ["document"])
    op.create_index("ix_reviews_instant", "reviews", ["instant"])


def _create_answers() -> None:
    op.create_table(
        "answers",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("document", sa.String(64), sa.ForeignKey("documents.id"), nullable=False),
        sa.Column("release", sa.Text, nullable=False),
        sa.Column("scores", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("abstained", sa.Text),
        sa.Column("unknown_share", sa.Float, nullable=False),
        sa.Column("time", sa.Text, nullable=False),
        sa.Column("instant", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_answers_document", "answers", ["document"])
    op.create_index("ix_answers_instant", "answers", ["instant"])


def _create_samples() -> None:
    op.create_table(
        "samples",
        sa.Column("document", sa.String(64), primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("time", sa.Text, nullable=False),
    )
