"""A release and labelled examples -> how right its tags are. Tags come from the function that the service calls."""

from collections.abc import Sequence
from dataclasses import dataclass

from tagger.registry import Release
from tagger.tags import TaggedDocument, tag_document
from training.corpus import Example


@dataclass(frozen=True, slots=True)
class TopicResult:
    """Counts for one topic: texts tagged rightly, wrongly, and missed."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        """Share of the tags that are right; 1 where none was given."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """Share of the topic's texts that got the tag; 1 where there is none."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 1 where there was nothing to find and nothing was."""
        found = 2 * self.right + self.wrong + self.missed
        return 2 * self.right / found if found else 1.0


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Results by topic; the share of texts without topic that got a tag; what was answered to each example."""

    topics: dict[str, TopicResult]
    without_topic: int
    falsely_tagged: int
    answers: tuple[tuple[Example, TaggedDocument], ...]

    @property
    def macro_f1(self) -> float:
        """Mean F1 over the topics that have texts among the examples."""
        scored = [result.f1 for result in self.topics.values() if result.right + result.missed]
        return sum(scored) / len(scored) if scored else 1.0

    @property
    def false_tag_rate(self) -> float:
        """Share of the texts without topic that got a tag."""
        return self.falsely_tagged / self.without_topic if self.without_topic else 0.0


def evaluate(release: Release, examples: Sequence[Example]) -> Evaluation:
    """Tag every example and compare."""
    answers = tuple(
        (example, tag_document(example.document, release.model, release.taxonomy, release.policy)) for example in examples
    )
    given = [(example.topics, {tag.topic.id for tag in answer.tags}) for example, answer in answers]
    topics = {
        topic: TopicResult(
            right=sum(topic in gold and topic in tags for gold, tags in given),
            wrong=sum(topic not in gold and topic in tags for gold, tags in given),
            missed=sum(topic in gold and topic not in tags for gold, tags in given),
        )
        for topic in release.taxonomy.ids
    }
    untagged = [tags for gold, tags in given if not gold]
    return Evaluation(topics, len(untagged), sum(bool(tags) for tags in untagged), answers)


def report(evaluation: Evaluation, release: Release) -> str:
    """Return the evaluation as Markdown: a table by topic, then false tags."""
    lines = ["| topic | texts | precision | recall | F1 | threshold |", "|---|---:|---:|---:|---:|---:|"]
    for topic, result in evaluation.topics.items():
        lines.append(
            f"| {topic} | {result.right + result.missed} | {result.precision:.3f} | {result.recall:.3f} "
            f"| {result.f1:.3f} | {release.policy.thresholds[topic]:.2f} |"
        )
    lines += [
        "",
        f"Macro-F1 over topics with texts: {evaluation.macro_f1:.3f}. Texts without topic that got a tag: "
        f"{evaluation.falsely_tagged} of {evaluation.without_topic} ({evaluation.false_tag_rate:.1%}).",
    ]
    return "\n".join(lines)
