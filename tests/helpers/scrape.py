"""What Prometheus makes of /metrics."""

from prometheus_client.parser import text_string_to_metric_families


class Scrape:
    """One scrape, as numbers by name and labels."""

    def __init__(self, text: str) -> None:
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self._samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float:
        """The value of one series."""
        return self._samples[name, frozenset(labels.items())]

    def total(self, name: str) -> float:
        """The sum of all series of a name."""
        return sum(value for (one, _), value in self._samples.items() if one == name)

    def labels(self, name: str) -> list[dict[str, str]]:
        """The labels of every series of a name."""
        return [dict(labels) for one, labels in self._samples if one == name]

    @property
    def names(self) -> set[str]:
        """Every name of a series."""
        return {name for name, _ in self._samples}
