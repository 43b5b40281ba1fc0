import argparse

from .human import run

options = argparse.ArgumentParser(prog="human")
options.add_argument("--socket", required=True, help="the X server's socket")
options.add_argument("--framebuffer", required=True, help="the file in which Xvfb keeps the screen")
chosen = options.parse_args()
run(chosen.socket, chosen.framebuffer)
