"""MLflow project backends that deliver training tasks (host side only)."""
