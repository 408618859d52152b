"""Durable rows: one module per group of tables; steps open transactions, nothing here commits."""
