"""What every source shares: the contract, errors, HTTP and commands."""
