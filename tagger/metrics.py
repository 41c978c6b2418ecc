"""What ops watch, as Prometheus text: which release serves, why another one does not, whether reviews are kept."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tagger.drift import metrics
from tagger.recording import Recorder
from tagger.serving import Serving


class _State(Collector):
    """Reads the state of this process when it is asked; every worker answers for itself."""

    def __init__(self, serving: Serving, recorder: Recorder) -> None:
        self.serving = serving
        self.recorder = recorder

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        state = self.serving.state
        info = GaugeMetricFamily("tagger_release_info", "The release that this worker answers with.", labels=["release"])
        if state.release:
            info.add_metric([state.release.name], 1)
        yield info
        refused = GaugeMetricFamily(
            "tagger_release_refused", "The champion that this worker refuses.", labels=["release", "reason"]
        )
        if state.problem:
            refused.add_metric([state.refused or "none", state.problem], 1)
        yield refused
        yield CounterMetricFamily("tagger_release_swaps", "Champions taken up while serving.", value=state.swaps)
        yield CounterMetricFamily("tagger_release_refusals", "Champions refused.", value=state.refusals)
        up = self.recorder.problem is None
        yield GaugeMetricFamily("tagger_review_store_up", "Whether the review store can be used.", value=up)
        yield from self._drift()
        yield CounterMetricFamily("tagger_answers_lost", "Answers not kept for the review queue.", value=self.recorder.lost)

    def _drift(self) -> Iterator[Metric]:
        families: dict[str, GaugeMetricFamily] = {}
        for name, labels, value in metrics(self.recorder.drift) if self.recorder.drift else []:
            family = families.setdefault(name, GaugeMetricFamily(name, "Drift: see `tagger drift`."))
            family.add_sample(name, labels, value)
        yield from families.values()


def exposition(serving: Serving, recorder: Recorder) -> bytes:
    """Return the metrics of this worker."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_State(serving, recorder))
    return generate_latest(registry)
