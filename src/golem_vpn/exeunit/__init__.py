"""Runs activities on a provider: the state machine of one activity, and the runtimes that it drives."""
