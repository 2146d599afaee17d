"""What a subscriber of the store's central broker imports: the ledger, its service and an ordered event stream.

Needs none of the agent's hardware parts; the ledger alone needs SQLAlchemy.
"""
