"""Mail: what a message says of itself, whatever form it is stored in. Runs in the cage: it reads a sample's bytes."""
