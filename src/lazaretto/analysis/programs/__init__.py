"""What engines and unpackers know about programs: their layout, what their imports mean, what hides in them.

Everything here reads bytes of a sample and runs in the cage. Every loop has a bound that the sample does not choose.
"""
