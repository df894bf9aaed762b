"""Alert rules: what they say, when they fire, and how what fires becomes alerts. Pure."""
