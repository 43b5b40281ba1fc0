"""Loads the character sets that mails are written in: in the cage there are no files to load them from."""

from __future__ import annotations

import codecs

NAMES = (
    "utf-8 utf-7 utf-16 utf-16-le utf-16-be utf-32 ascii latin-1 iso8859-2 iso8859-3 iso8859-4 iso8859-5 "
    "iso8859-6 iso8859-7 iso8859-8 iso8859-9 iso8859-10 iso8859-13 iso8859-14 iso8859-15 iso8859-16 cp1250 cp1251 "
    "cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp437 cp850 cp852 cp866 cp874 koi8-r koi8-u mac-roman "
    "gb2312 gbk gb18030 hz big5 shift_jis cp932 euc_jp iso2022_jp iso2022_kr euc_kr cp949 tis-620 punycode idna "
    "quopri base64 uu raw-unicode-escape unicode-escape utf-8-sig"
)

for _name in NAMES.split():
    codecs.lookup(_name)
