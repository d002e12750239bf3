"""Local servers that speak a platform's wire protocol, as strictly as the platform."""
