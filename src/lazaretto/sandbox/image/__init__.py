"""Guest images: made from Debian packages by a recipe, named by the recipe's hash, warm and ready to be restored."""
