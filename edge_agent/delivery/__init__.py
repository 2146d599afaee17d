"""From a decision to the store's ledger: wire contract, durable outbox, MQTT uplink.

Imports nothing by itself: a subscriber takes ``edge_agent.delivery.wire`` without any of the agent's parts.
"""
