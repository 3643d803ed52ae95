"""Agora's own allocation: a belief about each arm that begins with what is declared, and tries only what pays.

names      what the names and the prices of arms tell before anybody has tried them
belief     a Gaussian over arms and tags, with what was seen folded in
gain       what one more outcome of an arm is worth to the queries still to come
router     the policy `agora`: success, cost, dial, exploration, and who comes next after a failed check
"""
