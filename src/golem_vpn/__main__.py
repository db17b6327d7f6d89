"""Runs the command line as `python -m golem_vpn`."""

from golem_vpn.cli.main import main

main()
