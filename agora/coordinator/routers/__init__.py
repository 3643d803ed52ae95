"""Routers: each chooses among models by what it learned of them; one file each, with its paper.

seam        what a router is told, what it answers, and the protocol
choosing    from estimates to a choice: ties, chances, ladders          rows      what is learned, by arm
costs       what a query costs at each arm                              packing   arrays as JSON
texts       vectors of texts, without a model and without a corpus      draws     many draws from the one on record
cells       means by group and arm                                      clusters  k-means, over a log and one by one
memory      what came of earlier queries                                edges     who is near whom among them
lines       from similarities to scores                                 exploring somebody by chance, ever less often
sampling    Thompson sampling whose chances are known                   restoring a kept state: whole, or refused
by_tag, by_neighbours, by_ridges   what routers share that differ only in how they choose; asked: that ask a model
sequences   whom to ask in turn where a check follows                   answers   what two answers have in common
pacers, paced, switching: around any router                             own/      Agora's own

A router knows nothing of markets. `agora.coordinator.policies.by_router` puts it behind the coordinator's protocol, so
that `agora run --policy NAME` uses it on the ledger; `agora bench routing` uses it on recorded outcomes.
"""
