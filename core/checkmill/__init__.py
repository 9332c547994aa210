"""Checkmill runs monitoring checks: rules over what vendors measure, as Nagios, Icinga and Checkmk states."""

__version__ = "0.1.0"
