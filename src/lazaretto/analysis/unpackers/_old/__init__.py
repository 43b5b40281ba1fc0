"""Archives of the nineties that are still sent because few programs look into them."""
