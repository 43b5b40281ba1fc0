// The field's own test markers: harmless, and meant to be found.

rule eicar_test_file {
    meta:
        title = "It is the test file with which scanners are tried out"
        explanation = "The file is exactly the harmless text on which the makers of scanners agreed, to be reported as harmful."
        benign = "Somebody tries whether this protection works."
        malicious = "None: the file does nothing but print a line."
        weight = "decisive"
        family = "execution"
    strings:
        $marker = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
    condition:
        // the makers' definition: at the very beginning, and nothing but blanks up to 128 bytes
        $marker at 0 and filesize <= 128
}

rule eicar_marker_inside {
    meta:
        title = "It contains the text with which scanners are tried out"
        explanation = "The agreed test text is somewhere in the file, but the file is not the test file."
        benign = "Programs, tests and documents about scanners contain it."
        malicious = "None by itself."
        weight = "informational"
        family = "execution"
    strings:
        $marker = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
    condition:
        $marker and not eicar_test_file
}

rule gtube_marker_inside {
    meta:
        title = "It contains the text with which spam filters are tried out"
        explanation = "The agreed test text for spam filters is in the file. Of a mail the mail engine says what follows from that."
        benign = "Somebody tries out a spam filter; programs and documents about filters contain the text."
        malicious = "None by itself."
        weight = "informational"
        family = "deception"
    strings:
        $marker = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
    condition:
        $marker
}
