"""A gallery in a Milvus collection: embeddings and photo table, searched by the server."""
