"""Training, inside a worker: the only room that imports Keras."""
