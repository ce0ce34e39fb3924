"""Real neighbours for whole-program tests: the daemon itself, Kafka, Alertmanager, Prometheus, a webhook.

Python's standard library only. Every part binds a free port, keeps its files in the folder it is
given, and ends its own process and no other.
"""
