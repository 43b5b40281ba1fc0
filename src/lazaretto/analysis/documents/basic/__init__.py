"""Visual Basic for Applications, VBScript-like Basic of OpenOffice: read, and run as far as everything is known.

    source ──lexer──> tokens ──syntax──> procedures ──machine──> acts, texts that were put together

Nothing outside is touched: what a program would ask of the machine is written down as an act. What is not known is
carried as unknown; where a condition is unknown both ways are gone.
"""
