"""What a file is, by its bytes. `analysis.identify` is the way in; one module here for each group of formats."""
