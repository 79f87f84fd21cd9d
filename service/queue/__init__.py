"""The service's durable queue: submitted experiments, who works on them, tokens, and the audit log."""
