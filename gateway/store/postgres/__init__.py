"""The ledger on PostgreSQL. Imported only where the config asks for it: its library is an optional one."""
