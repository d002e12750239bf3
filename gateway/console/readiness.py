"""Why a gateway is not ready for people. Light, because it is asked before anything heavy is imported."""

from gateway.model.operation import CONNECTING, GatewayStatus, Phase


def reasons(status: GatewayStatus) -> tuple[str, ...]:
    """Why the gateway is not ready, one line each; nothing when it is. They name no account and no person."""
    found: list[str] = []
    if status.phase is not Phase.SERVING:
        found.append("draining: the gateway is about to stop")
    if not status.ledger_writable:
        found.append("ledger: it cannot be written, so nothing new is accepted")
    if status.ledger_damaged:
        found.append("damage: the ledger is damaged, and what it holds cannot be relied on")
    if not any(account.connected for account in status.accounts):
        starting = all(account.why == CONNECTING for account in status.accounts)
        found.append("starting: no account has connected yet" if starting else "accounts: none is connected")
    return tuple(found)
