"""Agora's own allocation: a belief about each arm that begins with what is declared, and tries only what pays.

names      what the names and the prices of arms tell before anybody has tried them
regression a Gaussian over arms and kinds of queries, exact, one outcome at a time
belief     a Gaussian over arms and tags, with what was seen folded in
spending   what a query costs, before and after it was asked
gain       what one more outcome of an arm is worth to the queries still to come
agreement  whom to ask until answers agree enough, where nobody checks; pool, patterns: what it remembers
checking   whom to ask in turn where a check follows, and what to hand in when nothing passed
router     the policy `agora`: success, cost, dial, exploration, and who comes next after a failed check
"""
