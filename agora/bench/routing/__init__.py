"""Routers on recorded outcomes of real models: what each would have scored and spent, with the baselines beside it.

matrix      queries x models: scores, dollars, texts            reading     a folder of such, and what was odd
folds       who is fitted on and who is measured on             worlds      what changes on the way: prices, models
full        full information: fit on four folds, measure on the fifth, the dial set on the fitting part
bandit      one query after the other, only the chosen one's outcome is seen
checked     several models in turn, where a check (that may err) follows each answer
measures    means, regret, frontier, gap captured, intervals    standing    what always stands beside a result
"""
