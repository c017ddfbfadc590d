"""The loop of a search: ask the strategy, start trials, hear their reports, tell the scheduler, write the ledger."""
