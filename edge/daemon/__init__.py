"""The rim: sockets, threads, the window, and an orderly end. Nothing here decides anything."""
