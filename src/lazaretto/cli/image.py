"""`lazaretto image`."""

from cyclopts import App

app = App(name="image")
