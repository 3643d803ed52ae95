"""What a ledger says, above the market: told, explained, questioned, replayed, verified, exported.

    story.py, flow_told.py, pool_told.py    a run as a person looks at it, from its events alone
    reckoning.py, juries.py                 one award and one jury, in digits that add up
    many.py, many_*.py                      many runs in figures, as a page, as a list
    counterfactual.py, counterfactual_*.py  awards decided again under another rule, policy or pool, without a call
    off_policy.py, off_policy_*.py          what another policy would have come to, from the chances on record

Everything here works from recorded events (`agora.protocols.Store.events`) or from whole entries
(`agora.abilities.Archive.stored`), whether they come from the database or from an exported file. Nothing here calls a
model; a fork (a run gone on with from a step, otherwise) goes through the market as every run does.
"""
