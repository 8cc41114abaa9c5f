"""Puts up a whole event on one machine: every host a container, every network a bridge, every cable a veth pair."""
