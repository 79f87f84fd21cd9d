"""One file per use case, each with one constant `PAIR`; there is no registry to edit."""
