"""The drawing page: a small server on this machine, and the page in `static/` that it serves.

A question of the page goes guard -> routes -> finding -> `search.Searcher`, and comes back as
JSON; its photos are fetched by gallery, version and number, never by a path.
"""
