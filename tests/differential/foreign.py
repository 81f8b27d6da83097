#!/usr/bin/python3
"""Signs messages with dkimpy or libopendkim, for the differential test.

Reads one JSON object a line: {"signer", "in", "out", "selector", "domain", "key" (a PEM file, or base64 of an
Ed25519 key), "header", "body" (canonical forms), "names" (a list, or null), "identity", "length"}.
Writes the signed message to "out", and one line: "signed", or why not.
"""
import base64
import ctypes
import json
import re
import sys


def dkimpy(job, message):
    import dkim
    algorithm = b"ed25519-sha256" if job["key"].endswith(".b64") else b"rsa-sha256"
    names = [name.encode() for name in job["names"]] if job["names"] else None
    signer = dkim.DKIM(message, signature_algorithm=algorithm)
    return signer.sign(
        job["selector"].encode(), job["domain"].encode(), open(job["key"], "rb").read(),
        identity=job["identity"].encode() if job["identity"] else None,
        canonicalize=(job["header"].encode(), job["body"].encode()),
        include_headers=names, length=job["length"])


class OpenDkim:
    """libopendkim by its own ABI."""

    def __init__(self):
        lib = ctypes.CDLL("libopendkim.so.11")
        pointer, number, text, size = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t

        def function(name, result, *arguments):
            it = getattr(lib, name)
            it.restype, it.argtypes = result, arguments
            return it
        self.sign = function("dkim_sign", pointer, pointer, text, pointer, text, text, text, number, number,
                             number, ctypes.c_ssize_t, ctypes.POINTER(number))
        self.header = function("dkim_header", number, pointer, text, size)
        self.end_of_header = function("dkim_eoh", number, pointer)
        self.body = function("dkim_body", number, pointer, text, size)
        self.end = function("dkim_eom", number, pointer, pointer)
        self.field = function("dkim_getsighdr", number, pointer, pointer, size, size)
        self.free = function("dkim_free", number, pointer)
        self.names = function("dkim_signhdrs", number, pointer, pointer)
        self.error = function("dkim_geterror", text, pointer)
        self.lib = function("dkim_init", pointer, pointer, pointer)(None, None)

    def __call__(self, job, message):
        form = {"simple": 0, "relaxed": 1}
        status = ctypes.c_int(0)
        rsa_sha256 = 1
        it = self.sign(self.lib, b"job", None, open(job["key"], "rb").read(), job["selector"].encode(),
                       job["domain"].encode(), form[job["header"]], form[job["body"]], rsa_sha256, -1,
                       ctypes.byref(status))
        if not it:
            raise ValueError("dkim_sign: %d" % status.value)
        try:
            return self.run(it, job, message)
        finally:
            self.free(it)

    def run(self, it, job, message):
        def check(step, status):
            if status != 0:
                raise ValueError("%s: %d %s" % (step, status, self.error(it)))
        if job["names"]:
            names = sorted({name.encode() for name in job["names"]})
            names = (ctypes.c_char_p * (len(names) + 1))(*names, None)
            check("names", self.names(it, ctypes.cast(names, ctypes.c_void_p)))
        header, _, body = message.partition(b"\r\n\r\n")
        for field in re.split(rb"\r\n(?![ \t])", header[:-2] if header.endswith(b"\r\n") else header):
            check("header", self.header(it, field, len(field)))
        check("end of header", self.end_of_header(it))
        if body:
            check("body", self.body(it, body, len(body)))
        check("end", self.end(it, None))
        room = ctypes.create_string_buffer(65536)
        check("field", self.field(it, room, len(room), len("DKIM-Signature: ")))
        return b"DKIM-Signature: " + re.sub(rb"\r?\n", b"\r\n", room.value) + b"\r\n"


def main():
    signers = {"dkimpy": dkimpy}
    for line in sys.stdin:
        job = json.loads(line)
        try:
            if job["signer"] not in signers:
                signers[job["signer"]] = OpenDkim()
            message = open(job["in"], "rb").read()
            field = signers[job["signer"]](job, message)
            with open(job["out"], "wb") as out:
                out.write(field + message)
            print("signed")
        except Exception as fault:
            print("%s: %s: %s" % (job["signer"], type(fault).__name__, str(fault).replace("\n", " ")))


main()
