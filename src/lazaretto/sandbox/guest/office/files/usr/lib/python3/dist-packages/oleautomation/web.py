"""Requests, the browser, and documents of XML."""

# The types of the office's interfaces exist only inside the office, and so do the names that they ask for.
# mypy: ignore-errors
# ruff: noqa: N802, PLC0415, RUF012

import re

import uno

from .objects import BODY_MOST, Automation, Record, bytes_of


class Request(Automation):
    """XMLHTTP, ServerXMLHTTP and WinHttpRequest: the request is made at once, whether asynchronous or not."""

    NAME = "MSXML2.XMLHTTP"
    VALUES = {
        "ReadyState": 0,
        "Status": 0,
        "StatusText": "",
        "ResponseText": "",
        "OnReadyStateChange": None,
        "Option": 0,
    }

    def __init__(self, name):
        super().__init__()
        self.NAME = name
        self.headers, self.answered, self.body = {}, {}, b""

    def do_open(self, method, url, *_):
        self.method, self.url = str(method).upper(), str(url)

    def do_setrequestheader(self, name, value):
        self.headers[str(name)] = str(value)

    def do_send(self, body=None):
        import urllib.error
        import urllib.request

        data = bytes_of(body) if body not in (None, "") else (b"" if self.method == "POST" else None)
        headers = {"User-Agent": "Mozilla/4.0 (compatible; Win32; WinHttp.WinHttpRequest.5)", **self.headers}
        request = urllib.request.Request(self.url, data, headers, method=self.method)
        try:
            answer = urllib.request.urlopen(request, timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            self.body = answer.read(BODY_MOST)
            self.answered = dict(answer.headers.items())
            self.values |= {"readystate": 4, "status": int(answer.status), "statustext": str(answer.reason)}
        self.values["responsetext"] = self.body.decode("utf-8", "replace")

    def get_responsebody(self):
        return uno.ByteSequence(self.body)

    def get_responsestream(self):
        return uno.ByteSequence(self.body)

    def do_getresponseheader(self, name):
        return next((value for key, value in self.answered.items() if key.lower() == str(name).lower()), "")

    def do_getallresponseheaders(self):
        return "".join(f"{key}: {value}\r\n" for key, value in self.answered.items())

    def do_waitforresponse(self, *_):
        return True


class Explorer(Automation):
    NAME = "InternetExplorer.Application"
    VALUES = {"Visible": False, "Busy": False, "ReadyState": 4, "LocationURL": "", "Silent": True}

    def do_navigate(self, url, *_):
        request = Request("InternetExplorer.Application")
        request.do_open("GET", url)
        request.do_send()
        self.values["locationurl"] = str(url)
        self.text = request.values["responsetext"]

    do_navigate2 = do_navigate

    def get_document(self):
        text = getattr(self, "text", "")
        body = Record("HTMLBody", innerHTML=text, innerText=re.sub(r"<[^>]+>", "", text))
        return Record("HTMLDocument", body=body, documentElement=body)


class Document(Automation):
    """MSXML2.DOMDocument, used to decode base64, and to load stylesheets with script."""

    NAME = "MSXML2.DOMDocument"
    VALUES = {"async": False, "ValidateOnParse": False}

    def do_createelement(self, _name):
        return Element()

    def do_load(self, url):
        if re.match(r"(?i)https?://", str(url)):
            request = Request(self.NAME)
            request.do_open("GET", url)
            request.do_send()
        return True

    def do_loadxml(self, _text):
        return True


class Element(Automation):
    NAME = "IXMLDOMElement"
    VALUES = {"DataType": "", "Text": "", "NodeName": "b64"}

    def get_nodetypedvalue(self):
        import base64
        import binascii

        text = re.sub(r"\s", "", str(self.values["text"]))
        try:
            if str(self.values["datatype"]).lower() == "bin.hex":
                return uno.ByteSequence(bytes.fromhex(text))
            return uno.ByteSequence(base64.b64decode(text + "=="))
        except (ValueError, binascii.Error):
            return uno.ByteSequence(b"")

    def set_nodetypedvalue(self, value):
        import base64

        self.values["text"] = base64.b64encode(bytes_of(value)).decode()

    def hasProperty(self, name):
        return name.lower() == "nodetypedvalue" or super().hasProperty(name)
