"""`python -m checkmill` is the command `checkmill`."""

from checkmill.entry import main

main()
