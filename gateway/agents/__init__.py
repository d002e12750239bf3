"""Agents over the Agent Client Protocol."""
