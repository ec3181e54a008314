"""Answers supervisors: alive, ready (with reasons), and the figures for Prometheus.

It must never name a person, an order or a secret.
"""

import time

from flask import Flask, Response, current_app, g, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from kiosk_ui.api.contract import json_response
from kiosk_ui.session import hub
from kiosk_ui.stream import Stream

BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0)


class Figures:
    """What the web part measures itself; the hub's own counters are read at each scrape."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.seconds = Histogram(
            "storehub_http_seconds",
            "Time to answer, by endpoint.",
            ["endpoint"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.answers = Counter(
            "storehub_http_answers_total", "Answers by status.", ["status"], registry=self.registry
        )
        self.streams = Gauge("storehub_streams_open", "Open event streams.", registry=self.registry)
        self.gauges: dict[str, Gauge] = {}

    def scrape(self) -> bytes:
        stream: Stream = current_app.extensions["storehub_stream"]
        self.streams.set(stream.open)
        for name, value in hub().counters().items():
            self.gauge(name).set(value)
        return generate_latest(self.registry)

    def gauge(self, name: str) -> Gauge:
        if name not in self.gauges:
            words = name.replace("_", " ")
            self.gauges[name] = Gauge(f"storehub_{name}", words, registry=self.registry)
        return self.gauges[name]


def install(app: Flask) -> None:
    figures = Figures()
    app.extensions["storehub_figures"] = figures

    @app.before_request
    def _begin() -> None:
        g.begun = time.perf_counter()

    @app.after_request
    def _note(response: Response) -> Response:
        begun = g.get("begun")
        if begun is not None:
            endpoint = request.endpoint or "none"
            figures.seconds.labels(endpoint).observe(time.perf_counter() - begun)
        figures.answers.labels(str(response.status_code)).inc()
        return response

    @app.get("/healthz")
    def healthz() -> Response:
        return json_response({"ok": True, "store": hub().store})

    @app.get("/readyz")
    def readyz() -> Response:
        checks = hub().checks()
        ready = all(check.ok or not check.vital for check in checks)
        shown = {"ready": ready, "reasons": [c.detail or c.name for c in checks if not c.ok]}
        return json_response(shown, 200 if ready else 503)

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(figures.scrape(), content_type=CONTENT_TYPE_LATEST)
