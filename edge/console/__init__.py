"""The console: what browsers show. Its own process, a client of the daemon like any other."""
