"""Measures Plaza beside its peers, and beside PostgreSQL alone. See benches/README.md."""
