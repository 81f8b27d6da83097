#!/usr/bin/python3
"""The time that dkimpy or libopendkim takes for one message, for tests/bench-peers.

peers.py dkimpy|libopendkim SIGNED KEY.pem RECORD SECONDS: prints "sign MICROSECONDS" and "verify MICROSECONDS", medians.
SIGNED is a message whose first field is a DKIM-Signature of s1 at bench.example.
"""
import ctypes
import re
import statistics
import sys
import time


def median(work, seconds):
    work()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def dkimpy(signed, message, key, record):
    import dkim
    names = [b"From", b"To", b"Subject", b"Date", b"Message-ID", b"MIME-Version", b"Content-Type"]

    def sign():
        assert dkim.sign(message, b"s1", b"bench.example", key, canonicalize=(b"relaxed", b"relaxed"),
                         include_headers=names)

    def verify():
        assert dkim.verify(signed, dnsfunc=lambda name, timeout=5: record)
    return sign, verify


def libopendkim(signed, message, key, record):
    lib = ctypes.CDLL("libopendkim.so.11")
    pointer, number, text, size = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t

    def function(name, result, *arguments):
        it = getattr(lib, name)
        it.restype, it.argtypes = result, arguments
        return it
    status = ctypes.c_int(0)
    begin_signing = function("dkim_sign", pointer, pointer, text, pointer, text, text, text, number, number, number,
                             ctypes.c_ssize_t, ctypes.POINTER(number))
    begin_verifying = function("dkim_verify", pointer, pointer, text, pointer, ctypes.POINTER(number))
    header = function("dkim_header", number, pointer, text, size)
    end_of_header = function("dkim_eoh", number, pointer)
    body = function("dkim_body", number, pointer, text, size)
    end = function("dkim_eom", number, pointer, pointer)
    field = function("dkim_getsighdr", number, pointer, pointer, size, size)
    free = function("dkim_free", number, pointer)
    callback = ctypes.CFUNCTYPE(number, pointer, pointer, pointer, size)

    def answer(dkim, signature, buffer, room):
        ctypes.memmove(buffer, record + b"\0", len(record) + 1)
        return 0
    library = function("dkim_init", pointer, pointer, pointer)(None, None)
    libopendkim.kept = callback(answer)
    function("dkim_set_key_lookup", number, pointer, callback)(library, libopendkim.kept)
    room = ctypes.create_string_buffer(65536)

    def parts(whole):
        head, _, rest = whole.partition(b"\r\n\r\n")
        chunks = [rest[at:at + 65536] for at in range(0, len(rest), 65536)]
        return re.split(rb"\r\n(?![ \t])", head), chunks

    def run(it, fields, chunks):
        for one in fields:
            assert header(it, one, len(one)) == 0
        assert end_of_header(it) == 0
        for chunk in chunks:
            assert body(it, chunk, len(chunk)) == 0
        assert end(it, None) == 0

    unsigned, with_signature = parts(message), parts(signed)

    def sign():
        it = begin_signing(library, b"bench", None, key, b"s1", b"bench.example", 1, 1, 1, -1, ctypes.byref(status))
        run(it, *unsigned)
        assert field(it, room, len(room), 16) == 0
        free(it)

    def verify():
        it = begin_verifying(library, b"bench", None, ctypes.byref(status))
        run(it, *with_signature)
        free(it)
    return sign, verify


def main():
    implementation, signed, key, record, seconds = sys.argv[1:]
    signed, key = open(signed, "rb").read(), open(key, "rb").read()
    message = re.sub(rb"\A.*?\r\n(?![ \t])", b"", signed, count=1, flags=re.S)
    work = {"dkimpy": dkimpy, "libopendkim": libopendkim}[implementation]
    for name, one in zip(("sign", "verify"), work(signed, message, key, record.encode())):
        print(name, round(median(one, float(seconds)), 1))


main()
