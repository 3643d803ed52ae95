"""Is there anything to gain from choosing between these models? What recorded outcomes and logs say of it.

figures     the form of what is found           attempts    what a log says, whoever wrote it
pool        ceiling, complementarity, errors    ways        how much of it simple ways reach, on other queries
spending    what a log without scores tells     words       one plain sentence
reading     what a path holds                   litellm_rows, mini_swe, claude_code, agora_ledger    its forms
"""
