"""The service over HTTP: requests in, JSON, events and pages out."""
