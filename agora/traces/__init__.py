"""What a ledger says, above the market: told, explained, questioned, replayed, verified, shown, exported.

    told/               a run as a person looks at it, from its events alone; how texts and amounts are worded
    explaining/         one award and one jury in digits that add up; what would have flipped it; credit; sources
    counterfactuals/    auctions decided again under another rule, and what is known of their outcomes
    off_policy/         what another policy would have come to, from decisions logged with their chances
    replay/             every decision of a run made again and compared; where two runs part
    trust/              keys, checkpoints and where they are kept, proofs, verification
    pages/ report/      the kit of self-contained pages; the page of one run
    many/               many runs in figures, in one pass over the ledger
    telemetry/          spans and metrics for OpenTelemetry
    exporting.py        a ledger as JSON lines

Everything here works from recorded events (`agora.protocols.Store.events`) or from whole entries
(`agora.abilities.Archive.stored`), whether they come from the database or from an exported file. Nothing here calls a
model; a fork (a run gone on with from a step, otherwise) goes through the market as every run does.
"""
