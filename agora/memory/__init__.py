"""Shared memory: tables, migrations, the store and recall."""
