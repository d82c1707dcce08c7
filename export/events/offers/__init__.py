"""What to suggest to whom, and whether that beats suggesting what everybody buys."""
