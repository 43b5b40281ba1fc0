"""The person who sits before the guest's screen: moves the mouse, answers dialogs, scrolls, follows links.

Runs in the tools root and reaches the session only through its X server and the memory of its display, so the sample
sees a user's input and no program that makes it. Started as `python3 -m human --socket PATH --framebuffer PATH`; takes
the lines `look` (what is on the screen now is nothing new; answered by the line `looked`), `start` and `stop` on
standard input, writes one JSON object a line to standard output:

    {"event": "window", "time": ns, "title": "...", "class": "...", "geometry": [x, y, width, height], "dialog": false}
    {"event": "action", "time": ns, "what": "click", "title": "..."}
    {"file": "/run/lazaretto/picture-1", "time": ns, "width": 1280, "height": 800}      raw pixels, see picture.py
    {"event": "stopped"}

Every wake-up of the guest costs real time, since the guest's clock jumps over idle time: the human waits for the X
server's events and acts by itself only a few times, at growing intervals.
"""
