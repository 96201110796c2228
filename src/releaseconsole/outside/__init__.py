"""What checks and actions share: the live data they see, and how they reach out (processes, requests)."""
