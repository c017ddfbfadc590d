"""The loop of a search: ask the strategy, start trials, take their reports, ask the scheduler, write the ledger."""
