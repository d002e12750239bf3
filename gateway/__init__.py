"""Carryon: a chat gateway for AI agents that carries on after a restart."""
