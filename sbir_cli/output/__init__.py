"""Writers of results: table, paths, JSON Lines, TSV, CSV and the HTML contact sheet."""
