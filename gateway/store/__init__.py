"""The ledger: one database, one transaction a step."""
