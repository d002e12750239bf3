"""What tests are made of: small honest implementations of the ports, and short ways to fill a ledger."""
