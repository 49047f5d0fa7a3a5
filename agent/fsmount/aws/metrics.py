"""Metrics to CloudWatch, in one call. The service dates them by itself, so a wrong clock puts none into the past."""

from typing import Any

from ..metrics import INSTANCE, MOUNT, NAMESPACE
from ..model import Metric
from . import session


def put_metric_data(instance: str, region: str, metrics: tuple[Metric, ...]) -> None:
    try:
        cloudwatch: Any = session.client("cloudwatch", region)
        cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=[_datum(instance, metric) for metric in metrics])
    except session.errors() as error:
        raise session.named(error, f"the metrics of {instance}") from None


def _datum(instance: str, metric: Metric) -> Any:
    dimensions = [{"Name": INSTANCE, "Value": instance}]
    if metric.mount:
        dimensions.append({"Name": MOUNT, "Value": metric.mount})
    return {"MetricName": metric.name, "Dimensions": dimensions, "Value": metric.value, "Unit": metric.unit}
