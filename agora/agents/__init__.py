"""Who does the work: models with tools, samplers, functions and command lines."""
