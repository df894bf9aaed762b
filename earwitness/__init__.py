"""earwitness: every access to protected content, with the clause and evidence that justify it."""
