"""Speaks for foreign devices: reads their own topics, publishes in their own names.

    foreign topics ─► session (manual ack) ─► adapter ─► relay ─► outbox (one commit) ─► PUBACK
                                                           │
                     known device: observation · unknown: sighted · unreadable: garbage

It must never acknowledge a message to the broker before its observations are in the outbox, and
never count a retained, repeated or redelivered one as a new event.
"""

from devices.gateway.run import GatewaySettings, adapters, run

__all__ = ["GatewaySettings", "adapters", "run"]
