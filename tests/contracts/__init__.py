"""The public language of Chorale, tested without any server."""
