"""A model that users train themselves from labelled files: features, a logistic regression, its file.

There is no model in this program: whoever wants one trains it with files and verdicts of their own.
"""
