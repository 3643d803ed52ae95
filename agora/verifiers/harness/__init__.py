"""Two programs of the standard library: a judge that runs hidden tests, and a worker that runs the work under test."""
