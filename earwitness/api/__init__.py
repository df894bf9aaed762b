"""The read API: one way to the trail, which records who looked before it answers."""
