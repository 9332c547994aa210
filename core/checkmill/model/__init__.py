"""The nouns of Checkmill: frozen values that every step reads and none changes, without files, sockets or clocks."""
