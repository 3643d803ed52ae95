"""Routers on recorded outcomes of real models: what each would have scored and spent, with the baselines beside it.

matrix      queries x models: scores, dollars, texts            reading     a folder of such (lines, oddities)
slices      the part of it that has no holes                    folds       who is fitted on, who is measured on (twins)
vectors     queries as vectors (embedding: by a model)          stage       all this, made once in each process

full        full information: fit on four folds, measure on the fifth, the dial set on the fitting part
bandit      one query after the other, only the chosen one's outcome is seen (worlds: what changes on the way)
checked     several models in turn, where a check (that may err) follows each answer (cascades: what stands beside it)
budgets     a budget that all queries share                     arrivals    load, at models with limited places

measures    means, frontier, intervals                          standing    what stands beside it (hindsight: streams)
units       one policy under one protocol                       running     all of them, on several processes
entries     from what was measured to the report (rounding)     results     its form
kept        finished units, to go on from (digests: their key)  concluding  one sentence from the figures
made        a small generated set                               fetching    a public one, over the user's network
"""
