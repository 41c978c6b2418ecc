"""Text of an exposition -> its samples, as Prometheus reads them."""

from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

Sample = tuple[str, frozenset[tuple[str, str]]]


def samples(exposition: str | bytes) -> dict[Sample, float]:
    """Return the value of each sample, each of which must be there once."""
    text = exposition.decode() if isinstance(exposition, bytes) else exposition
    families = text_string_to_metric_families(text)
    read = [(_key(sample.name, sample.labels), sample.value) for family in families for sample in family.samples]
    assert len(read) == len(dict(read))
    return dict(read)


def value(exposition: str | bytes, name: str, **labels: str) -> float:
    """Return the value of one sample, whose labels must all be named."""
    return samples(exposition)[_key(name, labels)]


def _key(name: str, labels: Mapping[str, str]) -> Sample:
    return name, frozenset(labels.items())
